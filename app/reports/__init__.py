"""Pages and pictures for people to keep: data in, bytes out; knows no files, no keys, no clock."""
