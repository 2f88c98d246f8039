import type { Runtime } from '@rollcall/runtime'
import { partitionOf } from '@rollcall/store'
import type { ScscfConfig } from '../config.ts'
import type { CxClient } from '../cx/cx-client.ts'
import { Deassignments } from '../cx/deassignments.ts'
import type { ScscfEvents } from '../events.ts'
import type { SendNotify } from '../reg-event/notify-sender.ts'
import { RegEvents } from '../reg-event/reg-events.ts'
import { RegisterAnswers } from '../registrar/register-answers.ts'
import { Registrar, type RegistrarCx } from '../registrar/registrar.ts'
import type { EndedRegistration } from '../registrations/ended-registration.ts'
import type { RegistrationListener } from '../registrations/registration-listener.ts'
import type { RegistrationWatcher } from '../registrations/registration-watcher.ts'
import { Registrations } from '../registrations/registrations.ts'
import { serviceRoute } from '../session/own-route.ts'
import type { Forwarder } from '../sip/forwarder.ts'
import { ThirdPartyRegistrations } from '../third-party/third-party-registrations.ts'
import type { PartitionParts } from './served-partition.ts'

/** Attempts of one IMPI at once, and further challenges in one attempt (readings, Access 2; TS 24.229 5.4.1.2.3A). */
const ATTEMPTS_PER_IMPI_MAX = 4
const CHALLENGE_REPEATS_MAX = 2

/** Answers to REGISTERs that are kept for retransmissions: 128 s of 500 a second, spread over the partitions. */
const ANSWERS_MAX = 65_536
/** Partitions are not alike. */
const ANSWERS_PER_PARTITION_MIN = 8_192

export interface PartitionFactoryOptions {
  readonly config: ScscfConfig
  /** Own host name. */
  readonly host: string
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>
  readonly events: ScscfEvents
  readonly cx: CxClient
  /** Attempts that wait in all partitions of this replica: they have one bound. */
  readonly attempts: () => number
  /** The way to application servers. */
  readonly forwarder: Pick<Forwarder, 'send' | 'trusts'>
  readonly sendNotify: SendNotify
  /** Whether what is in memory of a partition may be told. */
  readonly isLive: (partition: number) => boolean
  /** How many partitions there are. */
  readonly count: () => number
}

/** Makes what a partition is made of: registrations, registrar, answers and what the HSS must hear. */
export class PartitionFactory {
  readonly #options: PartitionFactoryOptions

  constructor(options: PartitionFactoryOptions) {
    this.#options = options
  }

  create(partition: number): PartitionParts {
    const { config, runtime, events, cx, attempts, count } = this.#options
    const { clock, random } = runtime
    const realm = config.ROLLCALL_REALM
    const answers = {
      retainMs: config.ROLLCALL_SCSCF_RETRANSMISSION_MS,
      entriesMax: Math.max(ANSWERS_PER_PARTITION_MIN, Math.ceil(ANSWERS_MAX / count())),
    }
    const deassignments = new Deassignments({ clock, tell: (ended) => cx.deassign(ended) })
    const regEvents = this.#regEvents(partition, () => registrations)
    const thirdParty = this.#thirdParty(partition, () => registrations)
    const registrations: Registrations = this.#registrations(partition, {
      answers,
      deassignments,
      watcher: regEvents,
      listeners: [thirdParty],
    })
    const registrar: Registrar = new Registrar({
      clock,
      cx: registrarCx(cx, deassignments),
      store: registrations,
      events,
      limits: {
        perImpiMax: ATTEMPTS_PER_IMPI_MAX,
        attemptsMax: config.ROLLCALL_SCSCF_ATTEMPTS_MAX,
        others: () => attempts() - registrar.attempts,
      },
      rules: {
        realm,
        repeatsMax: CHALLENGE_REPEATS_MAX,
        algorithm: config.ROLLCALL_SCSCF_DIGEST_ALGORITHM,
      },
      awaitAuthMs: config.ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS,
    })
    const accepted = registrations.answerTo.bind(registrations)
    const registers = new RegisterAnswers({ clock, random, realm, registrar, accepted, answers })
    return { registrations, registrar, registers, deassignments, regEvents, thirdParty }
  }

  #regEvents(partition: number, registrations: () => Registrations): RegEvents {
    const { runtime, host, events, sendNotify, isLive } = this.#options
    const { clock, random } = runtime
    return new RegEvents({
      clock,
      random,
      partition,
      host,
      registrations,
      send: sendNotify,
      isLive: () => isLive(partition),
      onOutcome: (outcome) => events.regNotified(outcome),
      onOmitted: (count) => events.reginfoTruncated(count),
    })
  }

  #thirdParty(partition: number, registrations: () => Registrations): ThirdPartyRegistrations {
    const { config, runtime, host, events, forwarder, isLive } = this.#options
    const { clock, random } = runtime
    return new ThirdPartyRegistrations({
      clock,
      random,
      realm: config.ROLLCALL_REALM,
      host,
      forwarder,
      registrations,
      isLive: () => isLive(partition),
      events,
    })
  }

  #registrations(
    partition: number,
    o: {
      readonly answers: { readonly retainMs: number; readonly entriesMax: number }
      readonly deassignments: Deassignments
      readonly watcher: RegistrationWatcher
      readonly listeners: readonly RegistrationListener[]
    },
  ): Registrations {
    const { answers, deassignments, watcher, listeners } = o
    const { config, host, runtime, events, count } = this.#options
    const { clock, random, log } = runtime
    return new Registrations({
      clock,
      random,
      serviceRoute: serviceRoute(host),
      expiresSecondsMax: config.ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS,
      contactsMax: config.ROLLCALL_SCSCF_CONTACTS_MAX,
      answers,
      owns: (canonicalImpu) => partitionOf(canonicalImpu, count()) === partition,
      onEnded: async (ended: EndedRegistration) => {
        if (ended.reason !== 'unregistered') events.ended(ended)
        await deassignments.add(ended)
      },
      listeners,
      watcher,
      onSkipped: (skipped) => events.criteriaSkipped(skipped),
      onSnapshotFailed: (error) => log.warn({ err: error, partition }, 'a snapshot could not be written'),
    })
  }
}

/** Who registers is not de-assigned any more. */
function registrarCx(cx: CxClient, deassignments: Deassignments): RegistrarCx {
  return {
    authorize: (request) => cx.authorize(request),
    fetchVector: (request, resync) => cx.fetchVector(request, resync),
    assign: (request, isReregistration) => {
      deassignments.forget(request.impi)
      return cx.assign(request, isReregistration)
    },
    report: (type, impi, impu) => cx.report(type, impi, impu),
  }
}
