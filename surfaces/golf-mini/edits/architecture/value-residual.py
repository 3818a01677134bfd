# hypothesis: giving every block the first block's values keeps the bytes themselves in reach of the deeper attention
# file: model.py
# source: Zhou et al., Value Residual Learning (2024)
# excludes: parallel-block, embedding-skip, fused-projections
VALUE_SHARE = 0.5


class Attention(nn.Module):
    def forward(self, x: Tensor, first: Tensor | None) -> tuple[Tensor, Tensor]:
        q, k = self.place(self.split(self.query(x)), self.split(self.key(x)))
        v = self.split(self.value(x))
        first = v if first is None else first
        mixed = self.mix(q, k, v.lerp(first, VALUE_SHARE))
        return self.output(mixed.transpose(1, 2).flatten(2), x), first


class Block(nn.Module):
    def forward(self, x: Tensor, first: Tensor | None) -> tuple[Tensor, Tensor]:
        branch, first = self.attention(self.attention_norm(x), first)
        x = self.attention_join(x, branch)
        return self.mlp_join(x, self.mlp(self.mlp_norm(x))), first


class Model(nn.Module):
    def trunk(self, x: Tensor) -> Tensor:
        first = None
        for block in self.blocks:
            x, first = block(x, first)
        return x
