"""Which of one's own pairs are wrong: any table of pictures and captions, judged by models that never saw the pair."""
