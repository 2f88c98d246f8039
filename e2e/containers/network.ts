import { fetchMetrics } from '@rollcall/deploy/local/metrics.ts'
import { Operator } from '@rollcall/deploy/local/operator.ts'
import { OtlpReceiver } from '@rollcall/deploy/local/otlp-receiver.ts'
import { QUICK_SPANS } from '@rollcall/deploy/local/service-settings.ts'
import { ENCAPSULATION_PORT, PORT_PS, SIP_PORT } from '@rollcall/deploy/local/stack.ts'
import { gmTimers, memoryIsimStore, Ue } from '@rollcall/ue'
import { UE_NUMBERS, type UeName } from '../story/people.ts'
import { provisionWorld } from '../story/provision.ts'
import type { StackService, StoryStack } from '../story/stack.ts'
import { prepareWorld, type World } from '../story/world.ts'
import { REALM, T1_MS } from '../support/network.ts'
import { ContainerStack } from './container-stack.ts'

/** UE number N has the address .100+N on the bridge; somebody without a UE has .199. */
const UE_HOST = 100
const ATTACKER_HOST = 199
const OTLP_PORT = 4_318

/** The network of containers with the story's people as its subscribers, whose UEs are on this machine. */
export class ContainerNetwork implements AsyncDisposable {
  readonly stack: ContainerStack
  readonly world: World
  readonly operator: Operator
  readonly otlp: OtlpReceiver
  readonly #opened: AsyncDisposableStack

  private constructor(o: {
    stack: ContainerStack
    world: World
    operator: Operator
    otlp: OtlpReceiver
    opened: AsyncDisposableStack
  }) {
    this.stack = o.stack
    this.world = o.world
    this.operator = o.operator
    this.otlp = o.otlp
    this.#opened = o.opened
  }

  static async start(): Promise<ContainerNetwork> {
    const timers = gmTimers(T1_MS)
    await using opened = new AsyncDisposableStack()
    const stack = opened.use(
      await ContainerStack.create({
        settings: {
          ...QUICK_SPANS,
          ROLLCALL_PCSCF_T1_MS: String(timers.t1Ms),
          ROLLCALL_PCSCF_T2_MS: String(timers.t2Ms),
          ROLLCALL_PCSCF_T4_MS: String(timers.t4Ms),
        },
        otlpPort: OTLP_PORT,
      }),
    )
    const { bridge } = stack
    await bridge.addHostAddresses([...Object.values(UE_NUMBERS).map((number) => UE_HOST + number), ATTACKER_HOST])
    const otlp = opened.use(await OtlpReceiver.listen(bridge.gateway, OTLP_PORT))
    await stack.start()
    const operator = opened.use(await Operator.of(stack))
    const pcscf = stack.addressOf('pcscf-0')
    const world = await prepareWorld({
      folder: stack.data.ue,
      domain: REALM,
      pcscf: { address: pcscf, port: SIP_PORT },
      encapsulation: { address: pcscf, port: ENCAPSULATION_PORT },
      ut: stack.ut,
      addressOf: (number) => bridge.address(UE_HOST + number),
    })
    await provisionWorld(world, async (subscriber) => await operator.addSubscriber(subscriber))
    return new ContainerNetwork({ stack, world, operator, otlp, opened: opened.move() })
  }

  /** The stack that the story plays on. */
  get story(): StoryStack {
    const { stack } = this
    const probes = (service: StackService): string[] =>
      stack.services
        .filter((name) => name === service || name.startsWith(`${service}-`))
        .map((name) => stack.probe(name))
    return {
      world: this.world,
      timers: gmTimers(T1_MS),
      portPs: PORT_PS,
      attackerAddress: stack.bridge.address(ATTACKER_HOST),
      admin: this.operator,
      ut: this.operator,
      metrics: async (service) => (await Promise.all(probes(service).map(fetchMetrics))).flat(),
      traces: this.otlp,
    }
  }

  /** Switches a UE of the story's people on. */
  async ue(name: UeName, o: { keyLogFile?: string } = {}): Promise<Ue> {
    return this.#opened.adopt(
      await Ue.open({
        credentials: this.world.credentials[name],
        isimStore: memoryIsimStore(),
        settings: { timers: gmTimers(T1_MS) },
        keyLogFile: o.keyLogFile,
      }),
      async (ue) => await ue.close(),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}
