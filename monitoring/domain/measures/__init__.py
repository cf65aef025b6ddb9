"""What each measure makes of a window. All of them are pure: the same data gives the same verdict."""
