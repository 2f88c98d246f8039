import { assertNever } from '@rollcall/core'
import type { SaLifetimes, SaSet } from './sa-set.ts'

/** What happens to the sets of one private identity. */
export type SaInput =
  /** A 401 with a challenge went through: a temporary set is made. */
  | { readonly kind: 'challenged'; readonly id: string; readonly attempt: string; readonly origin: string | undefined }
  /** 200 to the REGISTER that came on the temporary set `id`. */
  | { readonly kind: 'authenticated'; readonly id: string; readonly contact: string; readonly grantedMs: number }
  /** 200 without a challenge to a REGISTER that came on the set `id`. */
  | { readonly kind: 'refreshed'; readonly id: string; readonly grantedMs: number }
  /** The UE sent something new on the set `id`. */
  | { readonly kind: 'used'; readonly id: string }
  /** A final error to the REGISTER that came on the temporary set `id`. */
  | { readonly kind: 'failed'; readonly id: string }
  /** The registration attempt began anew: what it had made is void. */
  | { readonly kind: 'restarted'; readonly attempt: string }
  /** The contact is registered no more; `id` is the set that the answer goes out in, when it is a temporary one. */
  | { readonly kind: 'deregistered'; readonly contact: string; readonly id: string | undefined }
  /** Time has passed. */
  | { readonly kind: 'elapsed' }

/** What to do about it at the back end. */
export type SaEffect =
  | { readonly kind: 'install'; readonly id: string }
  | { readonly kind: 'remove'; readonly set: SaSet; readonly why: RemovalReason }

/** Why a set went. A label. */
export type RemovalReason = 'expired' | 'replaced' | 'restarted'

export interface SaDecision {
  readonly sets: readonly SaSet[]
  readonly effects: readonly SaEffect[]
}

/**
 * The life of the SA sets of one private identity, pure: `sets` are those it has now, of all its contacts and attempts.
 * Whatever the input, sets past their time go first. An input that names a set which is gone changes nothing else.
 *
 * @see TS 33.203 clauses 7.3 and 7.4, TS 24.229 clause 5.2.2.2
 */
export function decideSaSets(
  sets: readonly SaSet[],
  input: SaInput,
  nowMs: number,
  lifetimes: SaLifetimes,
): SaDecision {
  const effects: SaEffect[] = []
  const alive = keep(sets, (set) => set.expiresAtMs > nowMs, 'expired', effects)
  return { sets: next(alive, input, nowMs, lifetimes, effects), effects }
}

/**
 * The set in which a request to the UE of `contact` goes out now: the newest one that is in use; when there is none, an
 * old one; else the new one that the UE has not used yet.
 *
 * @see TS 24.229 clause 5.2.2.2; TS 33.203 clause 7.4.2a
 */
export function setInForce(sets: readonly SaSet[], contact: string, nowMs: number): SaSet | undefined {
  const own = sets.filter((set) => set.contact === contact && set.expiresAtMs > nowMs)
  return (
    own.find((set) => set.state === 'established' && set.isInUse) ??
    own.find((set) => set.state === 'old') ??
    own.find((set) => set.state === 'established')
  )
}

function next(
  sets: readonly SaSet[],
  input: SaInput,
  nowMs: number,
  lifetimes: SaLifetimes,
  effects: SaEffect[],
): readonly SaSet[] {
  switch (input.kind) {
    case 'challenged':
      return challenged(sets, input, nowMs + lifetimes.temporaryMs, effects)
    case 'authenticated':
      return authenticated(sets, input, nowMs + input.grantedMs + lifetimes.beyondRegistrationMs, effects)
    case 'refreshed':
      return refreshed(sets, input.id, nowMs + input.grantedMs + lifetimes.beyondRegistrationMs)
    case 'used':
      return used(sets, input.id, nowMs + lifetimes.graceMs)
    case 'failed':
      return sets.map((set) =>
        set.id === input.id && set.state === 'temporary' ? close(set, nowMs + lifetimes.graceMs) : set,
      )
    case 'restarted':
      return keep(sets, (set) => !isUnproven(set) || set.attempt !== input.attempt, 'restarted', effects)
    case 'deregistered':
      return sets.map((set) =>
        set.contact === input.contact || set.id === input.id ? close(set, nowMs + lifetimes.graceMs) : set,
      )
    case 'elapsed':
      return sets
    default:
      return assertNever(input)
  }
}

/** One registration is under way a contact: what an earlier one left goes. */
function challenged(
  sets: readonly SaSet[],
  input: SaInput & { kind: 'challenged' },
  expiresAtMs: number,
  effects: SaEffect[],
): readonly SaSet[] {
  const origin = sets.find((set) => set.id === input.origin)
  const contact = origin?.contact
  const isEarlier = (set: SaSet): boolean =>
    isUnproven(set) && (set.attempt === input.attempt || (contact !== undefined && set.contact === contact))
  const kept = keep(sets, (set) => !isEarlier(set), 'replaced', effects)
  effects.push({ kind: 'install', id: input.id })
  const made: SaSet = {
    id: input.id,
    state: 'temporary',
    attempt: input.attempt,
    contact,
    origin: input.origin,
    isInUse: false,
    expiresAtMs,
  }
  return [...kept, made]
}

/**
 * The temporary set is established. The set that the REGISTER came on becomes old and stays in use until the UE uses the
 * new one; every other of this contact goes. Without such a set (an initial registration) the new one is in use at once.
 */
function authenticated(
  sets: readonly SaSet[],
  input: SaInput & { kind: 'authenticated' },
  expiresAtMs: number,
  effects: SaEffect[],
): readonly SaSet[] {
  const proven = sets.find((set) => set.id === input.id && set.state === 'temporary')
  if (!proven) return sets
  const origin = sets.find(
    (set) =>
      set.id === proven.origin && set.contact === input.contact && (set.state === 'established' || set.state === 'old'),
  )
  const belongs = (set: SaSet): boolean => set.contact === input.contact || set.attempt === proven.attempt
  const kept = keep(sets, (set) => set === proven || set === origin || !belongs(set), 'replaced', effects)
  return kept.map((set): SaSet => {
    if (set === origin) return { ...set, state: 'old' }
    if (set !== proven) return set
    return {
      ...set,
      state: 'established',
      contact: input.contact,
      isInUse: origin === undefined,
      expiresAtMs: Math.max(origin?.expiresAtMs ?? 0, expiresAtMs),
    }
  })
}

/** The set that the REGISTER came on lives on; an old one too, while the UE has not used a newer one. */
function refreshed(sets: readonly SaSet[], id: string, expiresAtMs: number): readonly SaSet[] {
  return sets.map((set) => {
    if (set.id !== id) return set
    const isSuperseded = set.state === 'old' && sets.some((other) => isNewerInUse(other, set))
    if (set.state !== 'established' && (set.state !== 'old' || isSuperseded)) return set
    return { ...set, expiresAtMs: Math.max(set.expiresAtMs, expiresAtMs) }
  })
}

/** The first use of a new set by the UE takes it into use for requests to the UE, and cuts the old one. */
function used(sets: readonly SaSet[], id: string, graceEndsAtMs: number): readonly SaSet[] {
  const set = sets.find((candidate) => candidate.id === id)
  if (set?.state !== 'established' || set.isInUse) return sets
  return sets.map((other) => {
    if (other === set) return { ...set, isInUse: true }
    if (other.state !== 'old' || other.contact !== set.contact) return other
    return { ...other, expiresAtMs: Math.min(other.expiresAtMs, graceEndsAtMs) }
  })
}

function isNewerInUse(other: SaSet, old: SaSet): boolean {
  return other.contact === old.contact && other.state === 'established' && other.isInUse
}

/** Made by an attempt that has not succeeded: it speaks for nobody yet, or never will. */
function isUnproven(set: SaSet): boolean {
  return set.state === 'temporary' || (set.state === 'closing' && !set.isInUse)
}

function close(set: SaSet, graceEndsAtMs: number): SaSet {
  return { ...set, state: 'closing', expiresAtMs: Math.min(set.expiresAtMs, graceEndsAtMs) }
}

function keep(
  sets: readonly SaSet[],
  condition: (set: SaSet) => boolean,
  why: RemovalReason,
  effects: SaEffect[],
): readonly SaSet[] {
  const kept = sets.filter(condition)
  if (kept.length < sets.length) {
    for (const set of sets) if (!condition(set)) effects.push({ kind: 'remove', set, why })
  }
  return kept
}
