"""A CLIP of two small towers with random weights, known to open_clip under a name."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

NAME = "small-clip"
_CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 32,
        "heads": 2,
        "layers": 2,
    },
}


def write_small_clip(folder: Path) -> Path:
    """Make the network known to open_clip and write its weights; returns their file."""
    import open_clip

    (folder / f"{NAME}.json").write_text(json.dumps(_CONFIG))
    open_clip.add_model_config(folder / f"{NAME}.json")
    torch.manual_seed(0)
    network = open_clip.create_model(NAME, pretrained=None, load_weights=False)
    path = folder / "small_clip.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
    return path
