import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { Operator } from '@rollcall/deploy/local/operator.ts'
import { OtlpReceiver } from '@rollcall/deploy/local/otlp-receiver.ts'
import { ENCAPSULATION_PORT, LocalStack, SIP_PORT } from '@rollcall/deploy/local/stack.ts'
import { gmTimers, memoryIsimStore, Ue, type UeEvent, type UeSettings } from '@rollcall/ue'
import type { UeName } from '../story/people.ts'
import { provisionWorld } from '../story/provision.ts'
import { prepareWorld, type World } from '../story/world.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'

/** Tests do not wait two seconds for a retransmission: T1 on Gm, at both ends. */
export const T1_MS = 50

/** A whole network on this machine for one test file, with the story's people as its subscribers. */
export class TestNetwork implements AsyncDisposable {
  readonly stack: LocalStack
  readonly data: DataFolder
  readonly world: World
  readonly operator: Operator
  readonly otlp: OtlpReceiver
  readonly #t1Ms: number
  readonly #ues: Ue[] = []
  /** Ends that nobody asked for. */
  readonly unexpectedEnds: string[]

  private constructor(o: {
    stack: LocalStack
    data: DataFolder
    world: World
    operator: Operator
    otlp: OtlpReceiver
    t1Ms: number
    unexpectedEnds: string[]
  }) {
    this.stack = o.stack
    this.data = o.data
    this.world = o.world
    this.operator = o.operator
    this.otlp = o.otlp
    this.#t1Ms = o.t1Ms
    this.unexpectedEnds = o.unexpectedEnds
  }

  /** @param o.block the network listens on 127.BLOCK.0.1, its UEs on 127.BLOCK.1.x. */
  static async start(o: {
    block: number
    t1Ms?: number
    settings?: Readonly<Record<string, string>>
  }): Promise<TestNetwork> {
    const t1Ms = o.t1Ms ?? T1_MS
    const timers = gmTimers(t1Ms)
    const address = `127.${o.block}.0.1`
    const data = new DataFolder(join(tmpdir(), `rollcall-e2e-${randomUUID()}`))
    const key = await data.prepare()
    const otlp = await OtlpReceiver.listen(address)
    const unexpectedEnds: string[] = []
    const options = {
      data,
      realm: REALM,
      address,
      otlpEndpoint: otlp.endpoint,
      settings: {
        ROLLCALL_PCSCF_T1_MS: String(timers.t1Ms),
        ROLLCALL_PCSCF_T2_MS: String(timers.t2Ms),
        ROLLCALL_PCSCF_T4_MS: String(timers.t4Ms),
        ...o.settings,
      },
      onExit: (name: string, how: string) => void unexpectedEnds.push(`${name} ${how}`),
    }
    await LocalStack.createTrustDomain(options)
    const stack = await LocalStack.create(options, key)
    try {
      await stack.start()
      const operator = await Operator.of(stack)
      const world = await prepareWorld({
        folder: data.ue,
        domain: REALM,
        pcscf: { address, port: SIP_PORT },
        encapsulation: { address, port: ENCAPSULATION_PORT },
        addressOf: (number) => `127.${o.block}.1.${number}`,
      })
      await provisionWorld(world, (subscriber) => operator.addSubscriber(subscriber))
      return new TestNetwork({ stack, data, world, operator, otlp, t1Ms, unexpectedEnds })
    } catch (error) {
      await stack.stop()
      throw error
    }
  }

  /** Switches a UE of the story's people on. */
  async ue(
    name: UeName,
    o: { settings?: Partial<UeSettings>; keyLogFile?: string; onEvent?: (event: UeEvent) => void } = {},
  ): Promise<Ue> {
    const ue = await Ue.open({
      credentials: this.world.credentials[name],
      isimStore: memoryIsimStore(),
      settings: { timers: gmTimers(this.#t1Ms), ...o.settings },
      keyLogFile: o.keyLogFile,
      ...(o.onEvent && { onEvent: o.onEvent }),
    })
    this.#ues.push(ue)
    return ue
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ues.map((ue) => ue.close()))
    this.operator[Symbol.dispose]()
    await this.stack.stop()
    await this.otlp[Symbol.asyncDispose]()
    await rm(this.data.path, { recursive: true, force: true })
  }
}
