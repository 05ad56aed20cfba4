# A data-parallel training as anybody writes it for torchrun: nothing in it is Fairlead's. It saves its state when it is
# told to end, and goes on from there.
#
# Usage: torchrun train.py CHECKPOINT STEPS

import os
import signal
import sys
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

stopping = False


def stop(number, frame):
    global stopping
    stopping = True


def batch(step, rank, size):
    generator = torch.Generator().manual_seed(1000 + step)
    inputs = torch.randn(64, 16, generator=generator)
    targets = torch.sin(inputs.sum(dim=1, keepdim=True))
    return inputs[rank::size], targets[rank::size]


def main():
    checkpoint, steps = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGTERM, stop)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(1)
    model = DistributedDataParallel(
        torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    first = 0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
        print(f"rank {rank} goes on at step {first}", flush=True)
    loss = None
    for step in range(first, steps):
        inputs, targets = batch(step, rank, size)
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        time.sleep(0.02)
        if rank == 0 and step % 10 == 0:
            print(f"step {step} of {size}", flush=True)
        # All stop after the same step, whoever was told first.
        told = torch.tensor([1.0 if stopping else 0.0])
        dist.all_reduce(told, op=dist.ReduceOp.MAX)
        if told.item() > 0:
            if rank == 0:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1},
                           checkpoint + ".new")
                os.replace(checkpoint + ".new", checkpoint)
                print(f"saved step {step + 1}", flush=True)
            dist.barrier()
            sys.exit(143)
    total = loss.detach().clone()
    dist.all_reduce(total)
    if rank == 0:
        print(f"done: loss {total.item() / size:.17g}", flush=True)
    dist.destroy_process_group()


main()
