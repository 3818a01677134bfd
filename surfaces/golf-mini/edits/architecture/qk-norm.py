# hypothesis: queries and keys of unit size keep the attention's logits in range, so that it learns from the first step
# file: model.py
# source: Henry et al., Query-Key Normalization for Transformers (2020); Dehghani et al., Scaling Vision Transformers to 22 Billion Parameters (2023)
# excludes: alibi
QK_GAIN = 1.2


class Attention(nn.Module):
    def place(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        size = (q.size(-1),)
        return rotate(F.rms_norm(q, size)) * QK_GAIN, rotate(F.rms_norm(k, size))
