import { type Timer, TokenBuckets } from '@rollcall/core'
import { PcscfAdminServiceService } from '@rollcall/proto-gen/admin'
import {
  createGrpcService,
  createHopService,
  type GaugeHandle,
  type GrpcServer,
  HopRouter,
  type Readiness,
  type Runtime,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import { listContacts } from './admin/list-contacts.ts'
import { type PcscfConfig, type PcscfSettings, pcscfConfig } from './config.ts'
import { ContactTable } from './contacts/contact-table.ts'
import { PcscfLog } from './contacts/pcscf-log.ts'
import type { PcscfContext } from './context.ts'
import { Gm } from './edge/gm.ts'
import { type GmTransport, openGm } from './edge/gm-transport.ts'
import type { PartitionLostError } from './errors.ts'
import { PcscfEvents } from './events.ts'
import { CoreLink } from './mw/core-link.ts'
import { DialogRoutes } from './originating/dialog-routes.ts'
import { OriginatingRequests } from './originating/originating.ts'
import { RegEventSubscriber } from './reg-event/reg-event-subscriber.ts'
import { Attempts } from './registration/attempts.ts'
import { Registrations } from './registration/registrations.ts'
import { PortAllocator } from './sa/port-allocator.ts'
import { SETS_PER_CONTACT_MAX } from './sa/sa-set.ts'
import { SaTable } from './sa/sa-table.ts'
import { SpiAllocator } from './sa/spi-allocator.ts'
import { SecurityServers } from './sec-agree/security-server.ts'
import { sweep } from './sweep.ts'
import { TerminatingRequests } from './terminating/terminating.ts'
import { TokenKeyRing } from './token/token-key-ring.ts'

/** What is past its time is not found; memory gets it back at this pace. */
const SWEEP_MS = 10_000
/** How long `stop` waits for requests under way, for the hop's, and for its streams: together below the shell's bound. */
const DRAIN_MS_MAX = 4_000
const SERVER_STOP_MS_MAX = 2_000
const ROUTER_CLOSE_MS_MAX = 1_000
const DRAIN_LOOK_MS = 50
/** How much longer than its registration an established set lives (TS 24.229 clause 5.2.2.2). */
const SA_BEYOND_REGISTRATION_MS = 30_000

/** Subscriptions that a phone keeps at once: presence, winfo, reg, some lists. */
const DIALOGS_PER_CONTACT = 8

/** A P-CSCF: Gm towards UEs, Mw towards the S-CSCF, its contacts and SA sets. */
export function createPcscfService(settings: PcscfSettings, runtime: Runtime): Service {
  return new PcscfService(pcscfConfig(settings), runtime)
}

class PcscfService implements Service {
  readonly #config: PcscfConfig
  readonly #runtime: Runtime
  readonly #events: PcscfEvents
  readonly #contacts = new ContactTable()
  readonly #tokens = new TokenKeyRing()
  readonly #attempts: Attempts
  readonly #dialogs: DialogRoutes
  readonly #log: PcscfLog
  readonly #router: HopRouter
  readonly #gm: Gm
  readonly #gauges: GaugeHandle[] = []
  #transport: GmTransport | undefined
  #regEvent: RegEventSubscriber | undefined
  #sets: SaTable | undefined
  #server: GrpcServer | undefined
  #sweep: Timer | undefined
  #state: 'created' | 'started' | 'stopping' = 'created'
  #lost: PartitionLostError | undefined

  constructor(config: PcscfConfig, runtime: Runtime) {
    const { clock, log, metrics, audit, random, hashIdentity } = runtime
    this.#config = config
    this.#runtime = runtime
    this.#events = new PcscfEvents({ metrics, audit, clock })
    this.#attempts = new Attempts({
      perImpiMax: config.pendingRegistrationsMax,
      attemptsMax: config.contactsMax,
    })
    this.#dialogs = new DialogRoutes(clock, config.contactsMax * DIALOGS_PER_CONTACT)
    this.#log = new PcscfLog({
      url: config.natsUrl,
      tls: config.tls,
      realm: config.realm,
      partition: config.podName,
      sealingKeysFile: config.sealingKeysFile,
      tokenKeyRotateMs: config.tokenKeyRotateMs,
      clock,
      random,
      log,
      contacts: this.#contacts,
      tokens: this.#tokens,
      onLost: (error) => this.#onLost(error),
      onOpen: () => this.#onOpen(),
    })
    this.#router = new HopRouter({ routes: config.hopRoutes, runtime })
    this.#gm = new Gm({ config, clock, random, log, metrics, events: this.#events, hashIdentity })
  }

  async start(): Promise<void> {
    const config = this.#config
    const { log, random } = this.#runtime
    // Beside those of the registered, as many temporary ones of who only says that he is somebody.
    const setsMax = (SETS_PER_CONTACT_MAX + 1) * config.contactsMax
    this.#transport = await openGm({ ...config, random, setsMax, receiver: this.#gm })
    const sets = this.#saTable(this.#transport, setsMax)
    this.#sets = sets
    const context = this.#context(sets)
    const regEvent = new RegEventSubscriber(context)
    this.#regEvent = regEvent
    const registrations = new Registrations(context, regEvent)
    const originating = new OriginatingRequests(context)
    const terminating = new TerminatingRequests(context, this.#gm, regEvent)
    this.#gm.begin({
      transport: this.#transport,
      sets,
      handlers: {
        register: (incoming) => registrations.handle(incoming),
        originate: (incoming) => originating.handle(incoming),
      },
    })
    this.#server = await startGrpcServer({
      listen: config.grpcListen,
      runtime: this.#runtime,
      services: [
        createHopService({ onRequest: (message, _peer, reply) => terminating.handle(message, reply) }),
        createGrpcService(PcscfAdminServiceService, { listContacts: () => listContacts(context) }),
      ],
    })
    this.#log.start()
    this.#observe(sets)
    this.#sweepLater(context, regEvent, [this.#gm, terminating])
    this.#state = 'started'
    if (config.allowUeTraceContext) log.warn('UEs may name the trace of their requests: for development only')
  }

  ready(): Readiness {
    const problem = this.#lost ? this.#lost.code : this.#log.problem
    const reasons = problem ? [problem] : []
    if (this.#config.allowUeTraceContext) reasons.push('insecure: UE trace context is taken')
    // Without the store, what is registered goes on: only until the log was read is nothing known, and only before the
    // first token key, in a new log, can nobody register.
    const isAble = this.#log.isLoaded && !this.#tokens.isEmpty
    return { ready: this.#state === 'started' && isAble && !this.#lost, reasons }
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopping') return
    this.#state = 'stopping'
    this.#sweep?.cancel()
    this.#regEvent?.stop()
    await this.#drain()
    await this.#server?.stop(SERVER_STOP_MS_MAX)
    await this.#router.close(ROUTER_CLOSE_MS_MAX)
    this.#sets?.stop()
    this.#gm.stop()
    await this.#transport?.[Symbol.asyncDispose]()
    await this.#log[Symbol.asyncDispose]()
    for (const gauge of this.#gauges) gauge.release()
  }

  #saTable(transport: GmTransport, setsMax: number): SaTable {
    const { clock, random, log } = this.#runtime
    const config = this.#config
    return new SaTable({
      backEnd: transport.backEnd,
      clock,
      random,
      spis: new SpiAllocator(random),
      ports: new PortAllocator(config.portPc),
      lifetimes: {
        temporaryMs: config.regAwaitAuthMs,
        graceMs: config.oldSetGraceMs,
        beyondRegistrationMs: SA_BEYOND_REGISTRATION_MS,
      },
      local: { address: config.sip.address, portPs: config.portPs },
      setsMax,
      onRemoved: (set, why) => {
        const attempt = this.#attempts.ofSet(set.id)
        if (attempt) this.#attempts.end(attempt)
        this.#events.setRemoved(set, why)
      },
      onRemoveFailed: (error) => log.error({ err: error }, 'the back end could not remove an SA set'),
    })
  }

  #context(sets: SaTable): PcscfContext {
    const { clock, random, log, metrics } = this.#runtime
    const config = this.#config
    return {
      config,
      clock,
      random,
      log,
      metrics,
      events: this.#events,
      sets,
      attempts: this.#attempts,
      contacts: this.#contacts,
      changes: this.#log,
      tokens: this.#tokens,
      core: new CoreLink({ router: this.#router, random, host: config.host, deadlineMs: config.hopDeadlineMs }),
      dialogs: this.#dialogs,
      securityServers: new SecurityServers(config.secAgree),
      impiBuckets: new TokenBuckets(clock, config.impiBucket),
    }
  }

  /** Waits for what is under way to be answered, within a bound. */
  async #drain(): Promise<void> {
    const { clock } = this.#runtime
    this.#gm.drain()
    const endsAtMs = clock.monotonic() + DRAIN_MS_MAX
    while (this.#gm.unanswered > 0 && clock.monotonic() < endsAtMs) {
      await new Promise<void>((resolve) => clock.setTimer(DRAIN_LOOK_MS, resolve))
    }
  }

  #observe(sets: SaTable): void {
    const { metrics } = this.#runtime
    this.#gauges.push(
      metrics.gauge('rollcall_pcscf_contacts', {}, () => this.#contacts.size),
      metrics.gauge('rollcall_pcscf_sa_sets', {}, () => sets.size),
      metrics.gauge('rollcall_pcscf_attempts', {}, () => this.#attempts.size),
      metrics.gauge('rollcall_pcscf_dialogs', {}, () => this.#dialogs.size),
      metrics.gauge('rollcall_pcscf_reg_subscriptions', {}, () => this.#regEvent?.size ?? 0),
      metrics.gauge('rollcall_pcscf_resealing_done', {}, () => (this.#log.isResealed ? 1 : 0)),
      metrics.gauge('rollcall_pcscf_transactions', { side: 'server' }, () => this.#gm.transactions.server),
      metrics.gauge('rollcall_pcscf_transactions', { side: 'client' }, () => this.#gm.transactions.client),
    )
  }

  #sweepLater(...args: Parameters<typeof sweep>): void {
    this.#sweep = this.#runtime.clock.setTimer(SWEEP_MS, () => {
      sweep(...args)
      this.#sweepLater(...args)
    })
  }

  /** Who was registered before this process began is watched again. */
  #onOpen(): void {
    for (const contact of this.#contacts.all(this.#runtime.clock.now())) this.#regEvent?.registered(contact)
  }

  /** Two processes under one name: this one must not answer for what the other decides now. */
  #onLost(error: PartitionLostError): void {
    this.#lost = error
    if (this.#state === 'stopping') return
    this.#runtime.log.fatal({ err: error }, 'another process has taken this P-CSCF’s name')
    // Nobody waits for this: it ends the process, after a drain.
    queueMicrotask(() => {
      throw error
    })
  }
}
