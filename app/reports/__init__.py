"""What is made for paper and for other eyes: redacted data in, bytes out; no files, no keys."""
