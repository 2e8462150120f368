"""Muon for matrices: momentum, orthogonalised by five Newton-Schulz steps (K. Jordan, 2024)."""
import torch


class Muon(torch.optim.Optimizer):
    """Matrices of one shape are orthogonalised together. Convolutions count as matrices, stacked experts as several."""

    def __init__(self, params, lr, momentum=0.95, decay=0.02):
        params = list(params)
        shapes = {}
        for p in params:
            shapes.setdefault(tuple(p.shape), []).append(p)
        super().__init__([dict(params=of) for of in shapes.values()], dict(lr=lr, momentum=momentum, decay=decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            params, lr = group["params"], group["lr"]
            if params[0].grad is None:
                continue
            state = self.state[params[0]]
            grad = torch.stack([p.grad for p in params])
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(grad)
            state["momentum"].lerp_(grad, 1 - group["momentum"])
            u = grad.lerp(state["momentum"], group["momentum"])
            u = u.flatten(0, 1) if params[0].dim() == 3 else u.flatten(2)
            tall = u.shape[-2] > u.shape[-1]
            x = (u.transpose(-1, -2) if tall else u).to(torch.bfloat16)
            x = x / (x.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(x.dtype)
            for _ in range(5):
                a = x @ x.transpose(-1, -2)
                x = torch.baddbmm(x, torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
            x = (x.transpose(-1, -2) if tall else x).float().reshape(grad.shape)
            torch._foreach_mul_(params, 1 - lr * group["decay"])
            torch._foreach_add_(params, list(x.unbind(0)), alpha=-lr * max(1, u.shape[-2] / u.shape[-1]) ** 0.5)
