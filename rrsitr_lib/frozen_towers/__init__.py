"""Heads on frozen towers: the towers encode every image and caption once, and two small heads learn from that."""
