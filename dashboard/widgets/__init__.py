"""Widgets that two sections or more use."""
