import assert from 'node:assert/strict'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { after, before } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { grpcPort, processName } from '@rollcall/deploy/local/processes.ts'
import { TcpProxy } from '@rollcall/dev-env'
import { PolicyLoad } from '../support/core/policy-load.ts'
import { checkBlocked, checkOrder, refuteAll } from '../support/history/check.ts'
import { History } from '../support/history/history.ts'
import { addressOf, TestNetwork } from '../support/network.ts'
import { type Dice, testSeeds } from '../support/seeds.ts'

const BLOCK = 22
const ADDRESS = addressOf(BLOCK)
const NATS = `${ADDRESS}:14222`
/**
 * Long enough that its successor has taken over (2 s) and acknowledged changes (2 s more) while it does not know yet, and that
 * NOTIFYs which it was to send again are due by then (1, 3, 7 s after they were answered 503).
 */
const FAULT_MS_MIN = 5_500
const FAULT_MS_MAX = 8_500
/** How long one that was killed is away. */
const GONE_MS_MAX = 3_000
/** A lost owner is noticed, revoked and replaced, and its lease has ended, well within this. */
const BACK_MS_MAX = 45_000
/** Who asks a replica that is stopped asks the other one after this, so that there is something to tell. */
const TRY_MS = 1_000
/** From an owner's socket to the test, on a busy machine; what the test itself was held up comes on top. */
const SLACK_MS = 250

/** What happens to a replica of the Presence Server, or to the store. */
type Fault = 'stopped' | 'cut' | 'stalled' | 'killed' | 'stopped and cut' | 'unreachable for its peers' | 'without NATS'

/** What each seed of CI does, in its order; the seed says to which replica, when, and for how long. */
const PLANS: readonly (readonly Fault[])[] = [
  ['stopped'],
  ['cut', 'killed'],
  ['stalled'],
  ['stopped and cut', 'without NATS'],
  ['unreachable for its peers', 'killed'],
]

let network: TestNetwork
let load: PolicyLoad
/** The links of each replica: its own to NATS, and that of the HSS and the other replica to it. */
const links: { readonly process: string; readonly nats: TcpProxy; readonly peers: TcpProxy }[] = []

before(async () => {
  for (const ordinal of [0, 1]) {
    links.push({
      process: processName('presence', ordinal),
      nats: await TcpProxy.start({ listen: `${ADDRESS}:${14_301 + ordinal}`, target: NATS }),
      peers: await TcpProxy.start({
        listen: `${ADDRESS}:${14_311 + ordinal}`,
        target: `${ADDRESS}:${grpcPort('presence', ordinal)}`,
      }),
    })
  }
  network = await TestNetwork.start({
    block: BLOCK,
    played: ['scscf'],
    isTraced: false,
    // No NOTIFY waits: the more there are, the likelier one leaves that must not.
    // A replica that is stopped keeps rules waiting no longer than the others' takeover.
    settings: { ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0', ROLLCALL_AP_ZB_TIMEOUT_MS: '2000' },
    stack: {
      replicas: { presence: 2 },
      via: (process, target) => {
        if (target === NATS) return linksOf(process)?.nats.listen ?? target
        const peer = links.find(({ peers }) => peers.target === target)
        return (process === 'hss' && peer?.peers.listen) || target
      },
      settingsOf: (process) => ({ ROLLCALL_GRPC_ADVERTISE: linksOf(process)?.peers.listen ?? '' }),
    },
  })
  const client = await network.play('scscf', new History(() => performance.now()), { tryMs: TRY_MS })
  load = await PolicyLoad.prepare(network, client)
})

after(async () => {
  await load?.[Symbol.asyncDispose]()
  await network?.[Symbol.asyncDispose]()
  for (const { nats, peers } of links) {
    await nats[Symbol.asyncDispose]()
    await peers[Symbol.asyncDispose]()
  }
})

testSeeds({
  file: 'e2e/faults/nobody-told.test.ts',
  seeds: PLANS.map((_, i) => i + 1),
  title: (seed) =>
    `after the acknowledgement of a change that blocks, by an operator or over Ut, nobody blocked is told; a Presence Server is ${planOf(seed).join(', then ')}`,
  play: async (dice, seed, tell) => {
    const held = monitorEventLoopDelay({ resolution: 10 })
    held.enable()
    const changes = load.changes
    const begin = load.history.events.length
    load.start(dice)
    await load.progress(2, BACK_MS_MAX)
    for (const fault of planOf(seed)) {
      await inflict(fault, dice)
      await load.progress(2, BACK_MS_MAX)
    }
    await load.stop()
    held.disable()
    const heldMs = held.max / 1e6
    const events = load.history.events.slice(begin)
    const told = events.filter((event) => event.kind === 'notify' && event.shows !== undefined).length
    const refused = events.filter((event) => event.kind === 'subscribe' && event.outcome === 'refused').length
    tell(
      `${load.changes - changes} changes of policies, ${told} documents told, ${refused} SUBSCRIBEs refused, held up ${Math.round(heldMs)} ms`,
    )
    refuteAll([...checkBlocked(events, { slackMs: SLACK_MS + heldMs }), ...checkOrder(events)], events)
    assert.ok(told > 100 && refused > 10, 'people were told, and people were refused')
    assert.deepEqual(network.unexpectedEnds, [])
  },
})

function planOf(seed: number): readonly Fault[] {
  return PLANS[(seed - 1) % PLANS.length] ?? []
}

function linksOf(process: string): (typeof links)[number] | undefined {
  return links.find((one) => one.process === process)
}

async function inflict(fault: Fault, dice: Dice): Promise<void> {
  const { stack } = network
  const process = dice.pick(stack.replicas('presence'))
  const own = linksOf(process.name)
  assert.ok(own)
  const forMs = dice.between(FAULT_MS_MIN, FAULT_MS_MAX)
  switch (fault) {
    case 'stopped':
      process.signal('SIGSTOP')
      await delay(forMs)
      process.signal('SIGCONT')
      break
    case 'stopped and cut':
      // It wakes up with old rules and no store to tell it of new ones.
      process.signal('SIGSTOP')
      own.nats.cut()
      await delay(forMs)
      process.signal('SIGCONT')
      await delay(GONE_MS_MAX)
      own.nats.restore()
      break
    case 'cut':
      own.nats.cut()
      await delay(forMs)
      own.nats.restore()
      break
    case 'stalled':
      own.nats.stall()
      await delay(forMs)
      own.nats.restore()
      break
    case 'unreachable for its peers':
      own.peers.stall()
      await delay(forMs)
      own.peers.restore()
      break
    case 'killed':
      await process.kill('SIGKILL')
      await delay(dice.between(0, GONE_MS_MAX))
      process.spawn()
      break
    case 'without NATS':
      await stack.nats.kill('SIGKILL')
      await delay(dice.between(0, GONE_MS_MAX))
      await stack.nats.start()
      break
  }
  await process.ready()
}
