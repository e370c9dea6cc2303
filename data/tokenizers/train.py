"""Trains the workbook's byte-level BPE: python train.py TRAIN.txt.xz OUT.json [--vocab 4096]

The text is UTF-8, plain or xz, with documents separated by NUL. Needs the `tokenizers` package (0.23.3 made the file
that is checked in). The trainer counts words and breaks ties by token ids, so the same text gives the same file.
"""

import argparse
import hashlib
import lzma

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

parser = argparse.ArgumentParser()
parser.add_argument("text")
parser.add_argument("out")
parser.add_argument("--vocab", type=int, default=4096)
args = parser.parse_args()

opener = lzma.open if args.text.endswith(".xz") else open
with opener(args.text, "rb") as file:
    data = file.read()
print(f"text: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
documents = data.decode("utf-8").split("\0")

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=args.vocab,
    special_tokens=["<|endoftext|>"],  # id 0: the separator between documents
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # all 256 bytes, so that any text can be encoded
    show_progress=False,
)
tokenizer.train_from_iterator(documents, trainer)
tokenizer.save(args.out)
with open(args.out, "rb") as file:
    print(f"{args.out}: {tokenizer.get_vocab_size()} entries, sha256 {hashlib.sha256(file.read()).hexdigest()}")
