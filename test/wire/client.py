"""A client that is not ours: the public nats-py package, an operator's key, and the subjects of the wire's manual."""
import asyncio
import json
import sys

import nats


async def main(url: str, seed_file: str, run: str) -> None:
    client = await nats.connect(url, nkeys_seed=seed_file)
    live = await client.subscribe(f"brigade.evt.{run}.>")
    await client.flush()
    print("subscribed", flush=True)

    message = await live.next_msg(timeout=30)
    print(json.dumps({"followed": message.subject, "body": json.loads(message.data)}), flush=True)

    state = await client.request("brigade.cmd.broker.state", b"", timeout=10)
    print(json.dumps({"state": json.loads(state.data)["state"]}), flush=True)

    for verb in ("pause", "resume"):
        answer = await client.request(f"brigade.cmd.run.{verb}.{run}", b"", timeout=10)
        print(json.dumps({verb: json.loads(answer.data)["ok"]}), flush=True)

    journal = await client.jetstream().subscribe(f"brigade.evt.{run}.>", stream=f"BRIGADE_EVT_{run}", ordered_consumer=True)
    first = await journal.next_msg(timeout=10)
    print(json.dumps({"journal": first.subject, "position": first.metadata.sequence.stream}), flush=True)

    try:
        await client.jetstream(timeout=1).publish(f"brigade.evt.{run}.trial.result.t9999", b"{}")
        print(json.dumps({"forged": True}), flush=True)
    except Exception as error:  # refused, or never answered: either way nothing is stored
        print(json.dumps({"forged": False, "how": type(error).__name__}), flush=True)
    await client.close()


asyncio.run(main(*sys.argv[1:]))
