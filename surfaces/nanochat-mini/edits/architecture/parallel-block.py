# hypothesis: attention and MLP reading one normalised stream cost a norm less and shorten the way of the gradient
# file: model.py
# source: Chowdhery et al., PaLM: Scaling Language Modeling with Pathways (2022)
# excludes: canon-convolution, residual-scales


class Block(nn.Module):
    def forward(self, x: Tensor, first: Tensor, tokens: Tensor) -> Tensor:
        seen = norm(x)
        return x + self.attention(seen, tokens) + self.mlp(seen)
