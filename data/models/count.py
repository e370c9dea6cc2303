"""Counts the weights of published models from their dimensions (configs.json), as transformers builds them.

    python data/models/count.py > data/models/counts.csv

Needs torch and transformers (written with transformers 5.17). No weights are read or made: the models are built on the
"meta" device. Lists of layers are written short in configs.json: "mamba*5 attention" is five mamba and one attention.
"""

import json
import pathlib

import torch
from transformers import AutoConfig, AutoModelForCausalLM


def layers(text):
    names = []
    for part in text.split():
        name, _, times = part.partition("*")
        names += [name] * int(times or 1)
    return names


def count(fields):
    fields = dict(fields)
    for key in ("layer_types", "layers_block_type"):
        if key in fields:
            fields[key] = layers(fields[key])
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    model.tie_weights()
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    configs = json.loads((pathlib.Path(__file__).parent / "configs.json").read_text())
    print("name,parameters")
    for name, fields in configs.items():
        print(f"{name},{count(fields)}")
