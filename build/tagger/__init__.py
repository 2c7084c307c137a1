"""What the token tagger is trained on: made-up calls, and public sets that may train weights."""
