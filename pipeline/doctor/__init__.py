"""The doctor: checks all stored files of a library, lists problems, repairs what it can."""
