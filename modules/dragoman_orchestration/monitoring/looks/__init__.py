"""What is looked at, each part by itself: one that is away does not hide the others."""
