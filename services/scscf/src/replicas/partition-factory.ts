import type { Runtime } from '@rollcall/runtime'
import { partitionOf } from '@rollcall/store'
import type { ScscfConfig } from '../config.ts'
import type { CxClient } from '../cx/cx-client.ts'
import { Deassignments } from '../cx/deassignments.ts'
import type { ScscfEvents } from '../events.ts'
import { RegisterAnswers } from '../registrar/register-answers.ts'
import { Registrar, type RegistrarCx } from '../registrar/registrar.ts'
import type { EndedRegistration } from '../registrations/ended-registration.ts'
import { Registrations } from '../registrations/registrations.ts'
import { serviceRoute } from '../session/own-route.ts'
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
    const registrations = this.#registrations(partition, answers, deassignments)
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
      rules: { realm, repeatsMax: CHALLENGE_REPEATS_MAX },
      awaitAuthMs: config.ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS,
    })
    const accepted = registrations.answerTo.bind(registrations)
    const registers = new RegisterAnswers({ clock, random, realm, registrar, accepted, answers })
    return { registrations, registrar, registers, deassignments }
  }

  #registrations(
    partition: number,
    answers: { readonly retainMs: number; readonly entriesMax: number },
    deassignments: Deassignments,
  ): Registrations {
    const { config, host, runtime, events, count } = this.#options
    const { clock, random, log } = runtime
    return new Registrations({
      clock,
      random,
      serviceRoute: serviceRoute(host),
      expiresSecondsMax: config.ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS,
      answers,
      owns: (canonicalImpu) => partitionOf(canonicalImpu, count()) === partition,
      onEnded: async (ended: EndedRegistration) => {
        if (ended.reason === 'expired') events.expired(ended)
        await deassignments.add(ended)
      },
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
