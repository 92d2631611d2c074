"""Writes tiny GGUF models that a real Ollama loads in a moment: a llama that chats and a bert that embeds.

The weights are random numbers from a fixed seed, so a file is the same everywhere and answers are the same at
temperature 0. Answers are plain ASCII words without sense. The chat model ends by itself: after some words the end
token is the likeliest one, so most answers have `done_reason: stop`; one without `ends` runs to the length limit.
"""

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

_TEXT = """
the a of to and in is for with on that this from by it as are be at not can an or when which than only after
percent price market average trading trade time volatility risk stop value volume index share position long
size more high ratio contract loss cost standard day return low spread point order short open close range
large example strategy trend rate gain limit month money target entry exit rule system single result future
portfolio average moving band signal model test sample period pattern mean expected level hedge equity option
call put premium strike delta gamma margin tick settlement calendar roll volume breakout momentum source
answer context document question one two three first last daily fixed total sharp flat rises falls holds
shows gives makes costs pays what why how compare explain between
"""
WORDS = tuple(dict.fromkeys(_TEXT.split()))
_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!:;-'/()\""
_LAST_WORDS = 14  # of the words, how many are followed by the end: one in eight gives answers of about eight to thirty
_BOUNDARY = "\u2581"
_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
_CHAT_SPECIAL = ("<unk>", "<s>", "</s>")
_EMBEDDING_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_HEADS = 4
Array = npt.NDArray[np.float32]


def write_chat_model(path: Path, seed: int = 7, *, ends: bool = True, context: int = 8192) -> None:
    """A llama of 2 layers, 64 wide, about 0.6 MB. `context` is the longest prompt plus answer in tokens."""
    layers, width, inner = 2, 64, 128
    kinds = gguf.TokenType
    pieces = [*(_BOUNDARY + word for word in WORDS), _BOUNDARY, *_CHARACTERS]
    tokens = [*_CHAT_SPECIAL, *(f"<0x{number:02X}>" for number in range(256)), *pieces]
    unspoken = len(tokens) - len(pieces)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(f"tiny-chat-{seed}")
    _add_shape(writer, layers, context, width, inner, len(tokens))
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // _HEADS)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * unspoken + [-float(rank) for rank in range(len(pieces))])
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256, *[kinds.NORMAL] * len(pieces)]
    writer.add_token_types([int(kind) for kind in types])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_chat_template(_TEMPLATE)
    _add_chat_tensors(writer, np.random.default_rng(seed), layers, width, inner, len(tokens), unspoken, ends)
    _write(writer)


def write_embedding_model(path: Path, seed: int = 11, *, width: int = 32, context: int = 2048) -> None:
    """A bert of 1 layer, `width` dimensions, about 0.4 MB: texts with the same words get near vectors."""
    layers, inner = 1, 2 * width
    kinds = gguf.TokenType
    characters = _CHARACTERS.lower()
    words = [*(_BOUNDARY + word for word in WORDS), *(_BOUNDARY + one for one in characters), *characters]
    tokens = list(dict.fromkeys([*_EMBEDDING_SPECIAL, *words]))
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name(f"tiny-embedding-{seed}")
    _add_shape(writer, layers, context, width, inner, len(tokens))
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    special = [kinds.CONTROL, kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, kinds.CONTROL]
    writer.add_token_types([int(kind) for kind in [*special, *[kinds.NORMAL] * (len(tokens) - len(special))]])
    writer.add_bos_token_id(2)
    writer.add_uint32("tokenizer.ggml.cls_token_id", 2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_unk_token_id(1)
    writer.add_pad_token_id(0)
    writer.add_mask_token_id(4)
    _add_embedding_tensors(writer, np.random.default_rng(seed), layers, width, inner, len(tokens), context)
    _write(writer)


def _add_shape(writer: gguf.GGUFWriter, layers: int, context: int, width: int, inner: int, vocabulary: int) -> None:
    writer.add_file_type(0)
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(_HEADS)
    writer.add_vocab_size(vocabulary)


def _add_chat_tensors(
    writer: gguf.GGUFWriter,
    rng: np.random.Generator,
    layers: int,
    width: int,
    inner: int,
    vocabulary: int,
    unspoken: int,
    ends: bool,
) -> None:
    embedding = _normal(rng, vocabulary, width)
    output = _normal(rng, vocabulary, width)
    output[:unspoken] = 0.0  # unknown, control and byte tokens
    output[unspoken + len(WORDS) :] *= 0.05  # single characters are rare
    if ends:
        last = rng.choice(len(WORDS), _LAST_WORDS, replace=False) + unspoken
        # The residual stream still holds the last word's embedding, so this row is the largest just after such a word.
        output[_CHAT_SPECIAL.index("</s>")] = embedding[last].sum(axis=0)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(layers):
        prefix = f"blk.{layer}."
        writer.add_tensor(prefix + "attn_norm.weight", np.ones(width, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{prefix}{name}.weight", _matrix(rng, width, width))
        writer.add_tensor(prefix + "ffn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(prefix + "ffn_gate.weight", _matrix(rng, inner, width))
        writer.add_tensor(prefix + "ffn_up.weight", _matrix(rng, inner, width))
        writer.add_tensor(prefix + "ffn_down.weight", _matrix(rng, width, inner))


def _add_embedding_tensors(
    writer: gguf.GGUFWriter,
    rng: np.random.Generator,
    layers: int,
    width: int,
    inner: int,
    vocabulary: int,
    context: int,
) -> None:
    writer.add_tensor("token_embd.weight", _normal(rng, vocabulary, width))
    writer.add_tensor("token_types.weight", _normal(rng, 2, width) * np.float32(0.02))
    writer.add_tensor("position_embd.weight", _normal(rng, context, width) * np.float32(0.02))
    _add_norm(writer, "token_embd_norm", width)
    for layer in range(layers):
        prefix = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            _add_biased(writer, prefix + name, _matrix(rng, width, width))
        _add_norm(writer, prefix + "attn_output_norm", width)
        _add_biased(writer, prefix + "ffn_up", _matrix(rng, inner, width))
        _add_biased(writer, prefix + "ffn_down", _matrix(rng, width, inner))
        _add_norm(writer, prefix + "layer_output_norm", width)


def _add_norm(writer: gguf.GGUFWriter, name: str, width: int) -> None:
    writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    writer.add_tensor(f"{name}.bias", np.zeros(width, np.float32))


def _add_biased(writer: gguf.GGUFWriter, name: str, weights: Array) -> None:
    writer.add_tensor(f"{name}.weight", weights)
    writer.add_tensor(f"{name}.bias", np.zeros(weights.shape[0], np.float32))


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def _matrix(rng: np.random.Generator, outputs: int, inputs: int) -> Array:
    return _normal(rng, outputs, inputs) / np.float32(np.sqrt(inputs))


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
