"""Loads the folders that braid saved in Hugging Face transformers, and compares logits.

    python roundtrip.py CASES RESULTS

CASES is a JSON list of {"name", "folder", "expected"}: `expected` is a safetensors file with ids.L, logits.L and, where not
all positions are kept, positions.L. RESULTS gets an object: for each name what was loaded and what was wrong with it, and
for each L the RMS of the difference over the RMS of the logits expected; or an error.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, logging

logging.set_verbosity_error()
logging.disable_progress_bar()


@torch.no_grad()
def check(folder: str, expected: str) -> dict:
    model, loading = AutoModelForCausalLM.from_pretrained(
        folder,
        local_files_only=True,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
    )
    wanted = load_file(expected)
    errors = {}
    for length in (key.removeprefix("ids.") for key in wanted if key.startswith("ids.")):
        logits = model.eval()(input_ids=wanted[f"ids.{length}"].long()[None], use_cache=False).logits[0].double()
        if f"positions.{length}" in wanted:
            logits = logits[wanted[f"positions.{length}"].long()]
        target = wanted[f"logits.{length}"].double()
        assert logits.shape == target.shape, f"logits have the shape {logits.shape}, not {target.shape}"
        errors[length] = ((logits - target).square().mean() / target.square().mean()).sqrt().item()
    wrong = {key: sorted(map(str, names)) for key, names in loading.items() if names}
    return {"class": type(model).__name__, "wrong": wrong, "errors": errors}


cases, results = sys.argv[1:]
with open(cases) as file:
    listed = json.load(file)
found = {}
for case in listed:
    try:
        found[case["name"]] = check(case["folder"], case["expected"])
    except Exception as error:  # One broken folder does not hide what is wrong with the others.
        found[case["name"]] = {"error": f"{type(error).__name__}: {error}"}
with open(results, "w") as file:
    json.dump(found, file)
