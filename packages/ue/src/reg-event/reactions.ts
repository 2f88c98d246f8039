import type { UeEvent } from '../events.ts'
import type { SaSets } from '../gm/sa-sets.ts'
import type { Registrar } from '../registration/registrar.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { UeSettings } from '../settings.ts'
import type { Upkeep } from '../upkeep.ts'
import type { OwnRegistration } from './own-registration.ts'

/** `Choice:` how long a UE on probation waits when the network does not say. */
const PROBATION_SECONDS = 60

/** What of its UE a reaction may touch. */
export interface ReactionWork {
  readonly settings: UeSettings
  /** One procedure of the registration after the other. */
  readonly serial: SerialQueue
  readonly registrar: Registrar
  readonly sets: SaSets
  readonly upkeep: Upkeep
  /** Ends dialogs at this side; publications are no dialogs. */
  releaseDialogs(reason: string): void
  /** Ends all that happens by itself. */
  rest(reason: string): void
  emit(event: UeEvent): void
}

/**
 * Acts on what the network says of our registration, in the SA set `setId`: authenticates anew in time; when it is over,
 * lets dialogs and SAs go, and comes back by itself where it may.
 *
 * @see TS 24.229 clauses 5.1.1.5.2 and 5.1.1.7
 */
export async function reactToNetwork(work: ReactionWork, own: OwnRegistration, setId: string): Promise<void> {
  await work.serial.run(async () => {
    // What was said of an earlier registration is over with it.
    if (!work.registrar.registration || work.sets.state(setId) === undefined) return
    if (own.kind === 'active') goOn(work, own)
    else if (own.kind === 'ended') await end(work, own)
  })
}

function goOn(work: ReactionWork, own: Extract<OwnRegistration, { kind: 'active' }>): void {
  const { shortenedSeconds, removed } = own
  const identities = work.registrar.removeIdentities(removed)
  if (identities.length > 0) work.emit({ kind: 'identities-removed', identities })
  if (shortenedSeconds === undefined) return
  work.registrar.shorten(shortenedSeconds)
  work.upkeep.registered(shortenedSeconds)
  work.emit({ kind: 'registration-shortened', expiresSeconds: shortenedSeconds })
}

async function end(work: ReactionWork, own: Extract<OwnRegistration, { kind: 'ended' }>): Promise<void> {
  const { reason, retryAfterSeconds } = own
  // guard: rejected-stays-out — a UE that the network keeps out does not come back by itself (TS 24.229 clause 5.1.1.7)
  const comesBack = work.settings.refreshes && (reason === 'deactivated' || reason === 'probation')
  // What is published is told again after the next registration.
  if (comesBack) work.releaseDialogs(reason)
  else work.rest(reason)
  work.registrar.forget()
  await work.sets.clear()
  work.emit({ kind: 'registration-ended', reason, retryAfterSeconds, comesBack })
  if (!comesBack) return
  work.upkeep.returnAfter(reason === 'probation' ? (retryAfterSeconds ?? PROBATION_SECONDS) * 1000 : 0)
}
