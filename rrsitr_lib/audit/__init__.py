"""Which of one's own pairs are wrong: any table of images and captions, scored by models that never saw the pair."""
