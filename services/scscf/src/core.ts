import type { CxServiceClient } from '@rollcall/proto-gen/cx'
import type { HopRouter, Runtime } from '@rollcall/runtime'
import { AnsweredRequests, type RequestKey } from '@rollcall/store'
import { hostOf, type ScscfConfig } from './config.ts'
import { CxClient } from './cx/cx-client.ts'
import { Deassignments } from './cx/deassignments.ts'
import type { ScscfEvents } from './events.ts'
import type { Refusal } from './refusal.ts'
import type { AcceptedAnswer } from './registrar/attempt.ts'
import { RegisterFront } from './registrar/register-front.ts'
import { acceptedReply } from './registrar/register-reply.ts'
import { Registrar, type RegistrarCx } from './registrar/registrar.ts'
import type { PartitionSource } from './registrations/partition-owner.ts'
import { type EndedRegistration, Registrations } from './registrations/registrations.ts'
import { Directory } from './session/directory.ts'
import { OdiTable } from './session/odi-table.ts'
import { serviceRoute } from './session/own-route.ts'
import { type AtServer, SessionRouter } from './session/session-router.ts'
import type { Reply } from './sip/answers.ts'
import { Forwarder } from './sip/forwarder.ts'
import type { Incoming } from './sip/incoming.ts'

/** Attempts of one IMPI at once, and further challenges in one attempt (readings, Access 2; TS 24.229 5.4.1.2.3A). */
const ATTEMPTS_PER_IMPI_MAX = 4
const CHALLENGE_REPEATS_MAX = 2

/** Answers to REGISTERs that are kept for retransmissions: 128 s of 500 a second. */
const ANSWERS_MAX = 65_536

/** Requests that are at an application server; each is gone after the longest wait for an answer. */
const ODIS_MAX = 100_000
const ODI_LIFE_MS = 64_000

export interface CoreOptions {
  readonly config: ScscfConfig
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>
  readonly events: ScscfEvents
  readonly cx: CxServiceClient
  readonly hop: HopRouter
  /** Refuses a request and counts it. */
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/** Registrar, registrations and session procedures, put together: what there is once the log is loaded. */
export class ScscfCore {
  readonly registrations: Registrations
  readonly #front: RegisterFront
  readonly #router: SessionRouter
  readonly #registrar: Registrar
  readonly #deassignments: Deassignments

  constructor(options: CoreOptions) {
    const { config, runtime, events, hop, refuse } = options
    const { clock, random, log } = runtime
    const realm = config.ROLLCALL_REALM
    const host = hostOf(config)
    const cx = createCx(options, host)
    const answered = new AnsweredRequests<Reply>({
      retainMs: config.ROLLCALL_SCSCF_RETRANSMISSION_MS,
      entriesMax: ANSWERS_MAX,
      clock,
    })
    this.#deassignments = new Deassignments({ clock, tell: (ended) => cx.deassign(ended) })
    this.registrations = new Registrations({
      clock,
      random,
      serviceRoute: serviceRoute(host),
      expiresSecondsMax: config.ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS,
      onEnded: (ended) => this.#tellEnd(events, ended),
      onAnswered: (key: RequestKey, answer: AcceptedAnswer, atMs) => {
        answered.remember(key, acceptedReply(answer), atMs)
      },
      onLost: (partition) => log.error({ partition }, 'another process has taken a partition'),
      onSkipped: (skipped) => events.criteriaSkipped(skipped),
    })
    this.#registrar = new Registrar({
      clock,
      cx: this.#registrarCx(cx),
      store: this.registrations,
      events,
      limits: { perImpiMax: ATTEMPTS_PER_IMPI_MAX, attemptsMax: config.ROLLCALL_SCSCF_ATTEMPTS_MAX },
      rules: { realm, repeatsMax: CHALLENGE_REPEATS_MAX },
      awaitAuthMs: config.ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS,
    })
    this.#front = new RegisterFront({
      random,
      rules: { realm, expiresSecondsMin: config.ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS },
      registrar: this.#registrar,
      answered,
      now: () => clock.now(),
      refuse,
    })
    this.#router = new SessionRouter({
      realm,
      host,
      clock,
      registrations: this.registrations,
      directory: new Directory({
        clock,
        cx,
        registrations: this.registrations,
        freshMs: config.ROLLCALL_SCSCF_PROFILE_FRESH_MS,
        staleMs: config.ROLLCALL_SCSCF_PROFILE_STALE_MS,
        entriesMax: config.ROLLCALL_SCSCF_PROFILES_MAX,
        onStale: () => events.profileStale(),
        onSkipped: (skipped) => events.criteriaSkipped(skipped),
      }),
      forwarder: new Forwarder({ hop, clock, random, host }),
      odis: new OdiTable<AtServer>({ clock, random, lifeMs: ODI_LIFE_MS, entriesMax: ODIS_MAX }),
      events,
      refuse,
    })
  }

  async load(source: PartitionSource): Promise<void> {
    await this.registrations.load(source)
  }

  register(incoming: Incoming): void {
    this.#front.receive(incoming)
  }

  async route(incoming: Incoming): Promise<void> {
    await this.#router.route(incoming)
  }

  async stop(): Promise<void> {
    this.#registrar.stop()
    this.#deassignments.stop()
    await this.registrations.stop()
  }

  async #tellEnd(events: ScscfEvents, ended: EndedRegistration): Promise<void> {
    if (ended.reason === 'expired') events.expired(ended)
    await this.#deassignments.add(ended)
  }

  /** Who registers is not de-assigned any more. */
  #registrarCx(cx: CxClient): RegistrarCx {
    return {
      authorize: (request) => cx.authorize(request),
      fetchVector: (request, resync) => cx.fetchVector(request, resync),
      assign: (request, isReregistration) => {
        this.#deassignments.forget(request.impi)
        return cx.assign(request, isReregistration)
      },
      report: (type, impi, impu) => cx.report(type, impi, impu),
    }
  }
}

function createCx({ cx, config, events }: CoreOptions, host: string): CxClient {
  return new CxClient({
    client: cx,
    serverName: `sip:${host}`,
    realm: config.ROLLCALL_REALM,
    deadlineMs: config.ROLLCALL_SCSCF_CX_DEADLINE_MS,
    onUnavailable: (command, code) => events.hssUnavailable(command, code),
  })
}
