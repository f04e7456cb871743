"""Hash methods: features in, hash codes out. No files but save and load, no services."""

from models.codes import HashCodes
from models.method import HashMethod, MethodCard, TrainingSet
from models.registry import get_method, list_methods

__all__ = ["HashCodes", "HashMethod", "MethodCard", "TrainingSet", "get_method", "list_methods"]
