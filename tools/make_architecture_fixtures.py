# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/architectures/*.json: tensor names and shapes of small random models with the roles of the tensors.

The roles come from the modules themselves (classes, get_input_embeddings, get_output_embeddings, shared memory), so the
C++ rules, which see only names and shapes, are compared with an independent answer.
"""

import json
import pathlib

import torch
import transformers as tr
from transformers.pytorch_utils import Conv1D

FOLDER = pathlib.Path(__file__).parent.parent / "tests" / "data" / "architectures"

WORDS = {"vocab_size": 120}
WIDE = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
LLAMA = WORDS | WIDE | {"num_key_value_heads": 1, "head_dim": 16}
T5 = WORDS | {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2}
BART = (
    WORDS
    | {"d_model": 32}
    | {
        f"{side}_{what}": size
        for side in ("encoder", "decoder")
        for what, size in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 48))
    }
)


def models() -> dict[str, tr.PreTrainedModel]:
    bert = tr.BertConfig(**WORDS, **WIDE)
    gpt2 = tr.GPT2Config(**WORDS, n_embd=32, n_layer=1, n_head=2)
    distilbert = tr.DistilBertConfig(**WORDS, dim=32, n_layers=1, n_heads=2, hidden_dim=48)
    xlnet = tr.XLNetConfig(**WORDS, d_model=32, n_layer=1, n_head=2, d_inner=48)
    llama = tr.LlamaConfig(**LLAMA)
    return {
        "bert": tr.BertModel(bert),
        "bert_masked": tr.BertForMaskedLM(bert),
        "bert_classifier": tr.BertForSequenceClassification(bert),
        "distilbert_masked": tr.DistilBertForMaskedLM(distilbert),
        "roberta_masked": tr.RobertaForMaskedLM(tr.RobertaConfig(**WORDS, **WIDE)),
        "xlnet": tr.XLNetLMHeadModel(xlnet),
        "mpnet": tr.MPNetModel(tr.MPNetConfig(**WORDS, **WIDE)),
        "mpnet_masked": tr.MPNetForMaskedLM(tr.MPNetConfig(**WORDS, **WIDE)),
        "electra_masked": tr.ElectraForMaskedLM(tr.ElectraConfig(**WORDS, **WIDE, embedding_size=16)),
        "albert_masked": tr.AlbertForMaskedLM(tr.AlbertConfig(**WORDS, **WIDE, embedding_size=16)),
        "deberta_v2": tr.DebertaV2Model(tr.DebertaV2Config(**WORDS, **WIDE, relative_attention=True)),
        "modernbert_masked": tr.ModernBertForMaskedLM(tr.ModernBertConfig(**WORDS, **WIDE, pad_token_id=0)),
        "t5": tr.T5ForConditionalGeneration(tr.T5Config(**T5)),
        "t5_encoder": tr.T5EncoderModel(tr.T5Config(**T5)),
        "bart": tr.BartForConditionalGeneration(tr.BartConfig(**BART)),
        "gpt2": tr.GPT2LMHeadModel(gpt2),
        "gpt_neox": tr.GPTNeoXForCausalLM(tr.GPTNeoXConfig(**WORDS, **WIDE)),
        "llama": tr.LlamaForCausalLM(llama),
        "llama_tied": tr.LlamaForCausalLM(tr.LlamaConfig(**LLAMA, tie_word_embeddings=True)),
        "mistral": tr.MistralForCausalLM(tr.MistralConfig(**LLAMA)),
        "qwen2": tr.Qwen2ForCausalLM(tr.Qwen2Config(**LLAMA)),
        "qwen3": tr.Qwen3ForCausalLM(tr.Qwen3Config(**LLAMA)),
        "gemma": tr.GemmaForCausalLM(tr.GemmaConfig(**LLAMA, pad_token_id=0)),
        "opt": tr.OPTForCausalLM(
            tr.OPTConfig(
                **WORDS,
                hidden_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                ffn_dim=48,
            )
        ),
        "clip_text": tr.CLIPTextModel(tr.CLIPTextConfig(**WORDS, **WIDE)),
        "esm_masked": tr.EsmForMaskedLM(tr.EsmConfig(**WORDS, **WIDE, pad_token_id=0, mask_token_id=1)),
    }


def role_of(name: str, tensor: torch.Tensor, model: tr.PreTrainedModel) -> str:
    path, _, leaf = name.rpartition(".")
    if leaf.endswith("bias"):
        return "bias"
    module = model.get_submodule(path)
    if leaf != "weight" or tensor.dim() > 2:
        return "other"
    if tensor.dim() == 1:
        return "norm"
    if isinstance(module, torch.nn.Embedding):
        return role_of_embedding(path, module, model)
    return "head" if module is model.get_output_embeddings() else "linear"


def role_of_embedding(path: str, module: torch.nn.Embedding, model: tr.PreTrainedModel) -> str:
    if module.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr():
        return "token_embedding"
    return "type_embedding" if "type" in path else "position_embedding"


def tied_to(name: str, tensor: torch.Tensor, tensors: dict[str, torch.Tensor]) -> str:
    """The first tensor with the same memory if `tensor` is a matrix, else an empty string."""
    first = next(other for other in tensors if tensors[other].data_ptr() == tensor.data_ptr())
    return "" if first == name or tensor.dim() != 2 or name.endswith("bias") else first


def fixture(model: tr.PreTrainedModel) -> dict[str, object]:
    tensors = model.state_dict(keep_vars=True)
    rows = [
        {
            "name": name,
            "shape": list(tensor.shape),
            "role": role_of(name, tensor, model),
            "transposed": name.endswith(".weight") and isinstance(model.get_submodule(name[: -len(".weight")]), Conv1D),
            "tied_to": tied_to(name, tensor, tensors),
        }
        for name, tensor in tensors.items()
        if tensor.is_floating_point()
    ]
    kept = ("model_type", "vocab_size", "tie_word_embeddings", "is_encoder_decoder")
    config = json.loads(model.config.to_json_string(use_diff=False))
    return {
        "config": {key: config[key] for key in kept if key in config},
        "tensors": rows,
    }


def main() -> None:
    torch.manual_seed(0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, model in models().items():
        record = fixture(model)
        lines = ",\n".join("    " + json.dumps(row) for row in record["tensors"])
        text = f'{{\n  "config": {json.dumps(record["config"])},\n  "tensors": [\n{lines}\n  ]\n}}\n'
        (FOLDER / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main()
