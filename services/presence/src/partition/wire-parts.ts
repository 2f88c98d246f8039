import type { Impi, Impu } from '@rollcall/core'
import { parseDigestAlgorithm } from '@rollcall/digest'
import type { SubHandling } from '@rollcall/policy'
import {
  type AnsweredRequest,
  type SubscriptionStored,
  EndReason as WireEndReason,
  type WatcherProof as WireProof,
  type XcapSelection as WireSelection,
  SubHandling as WireSubHandling,
  WaitingEnd as WireWaitingEnd,
} from '@rollcall/proto-gen/presence'
import type { EndReason, StoredSubscription } from '../actor/change.ts'
import type { EventPackage, WatcherProof } from '../actor/state.ts'
import type { WaitingEnd } from '../actor/waiting.ts'
import { DIFF_PROCESSINGS, type XcapSelection } from '../actor/xcap-selection.ts'
import { RecordUnreadableError } from '../errors.ts'
import type { AnsweredRequestRecord } from './log-record.ts'

export function answeredToWire(answered: AnsweredRequestRecord): AnsweredRequest {
  const { key, answer } = answered
  const headers = answer.headers.map(([name, value]) => ({ name, value }))
  return { ...key, answer: { status: answer.status, toTag: answer.toTag, headers } }
}

/** @throws RecordUnreadableError */
export function answeredFromWire(wire: AnsweredRequest): AnsweredRequestRecord {
  const { callId, cseq, branch } = wire
  const answer = present(wire.answer)
  const headers = answer.headers.map(({ name, value }) => [name, value] as const)
  return { key: { callId, cseq, branch }, answer: { status: answer.status, toTag: answer.toTag, headers } }
}

export function subscriptionToWire(subscription: StoredSubscription): SubscriptionStored {
  const { dialog, watcher, expiresAtMs, handling, xcap } = subscription
  return {
    ...subscription,
    watcher: [...watcher],
    handling: HANDLING_TO_WIRE[handling],
    expiresAtMs: BigInt(expiresAtMs),
    dialog: { ...dialog, routeSet: [...dialog.routeSet] },
    xcap: xcap && selectionToWire(xcap),
  }
}

/** @throws RecordUnreadableError */
export function subscriptionFromWire(wire: SubscriptionStored): StoredSubscription {
  const {
    id,
    eventPackage,
    eventId,
    resource,
    watcher,
    isHidden,
    proof,
    isOwn,
    handling,
    expiresAtMs,
    dialog,
    notifyBase,
    xcap,
  } = wire
  return {
    id,
    eventPackage: eventPackageFromWire(eventPackage),
    eventId,
    resource: resource as Impu,
    watcher: watcher as Impu[],
    isHidden,
    proof: proof && proofFromWire(proof),
    isOwn,
    handling: handlingFromWire(handling),
    expiresAtMs: Number(expiresAtMs),
    dialog: present(dialog),
    notifyBase: present(notifyBase),
    ...(xcap && { xcap: selectionFromWire(xcap) }),
  }
}

/** @throws RecordUnreadableError */
/** @throws RecordUnreadableError */
export function proofFromWire({ impi, algorithm }: WireProof): WatcherProof {
  return { impi: impi as Impi, algorithm: present(parseDigestAlgorithm(algorithm)) }
}

export function selectionToWire({ root, selectors, processing }: XcapSelection): WireSelection {
  return { root, selectors: [...selectors], processing }
}

/** @throws RecordUnreadableError */
export function selectionFromWire({ root, selectors, processing }: WireSelection): XcapSelection {
  const known = DIFF_PROCESSINGS.find((one) => one === processing)
  return { root, selectors, processing: present(known) }
}

function eventPackageFromWire(name: string): EventPackage {
  if (name === 'presence' || name === 'presence.winfo' || name === 'xcap-diff') return name
  throw new RecordUnreadableError('an unknown event package')
}

export const HANDLING_TO_WIRE = {
  block: WireSubHandling.SUB_HANDLING_BLOCK,
  confirm: WireSubHandling.SUB_HANDLING_CONFIRM,
  'polite-block': WireSubHandling.SUB_HANDLING_POLITE_BLOCK,
  allow: WireSubHandling.SUB_HANDLING_ALLOW,
} as const satisfies Record<SubHandling, WireSubHandling>

export const WAITING_END_TO_WIRE = {
  approved: WireWaitingEnd.WAITING_END_APPROVED,
  rejected: WireWaitingEnd.WAITING_END_REJECTED,
  giveup: WireWaitingEnd.WAITING_END_GIVEUP,
} as const satisfies Record<WaitingEnd, WireWaitingEnd>

/** @throws RecordUnreadableError */
export function waitingEndFromWire(wire: WireWaitingEnd): WaitingEnd {
  return keyOf(WAITING_END_TO_WIRE, wire)
}

export const REASON_TO_WIRE = {
  timeout: WireEndReason.END_REASON_TIMEOUT,
  rejected: WireEndReason.END_REASON_REJECTED,
  giveup: WireEndReason.END_REASON_GIVEUP,
  deactivated: WireEndReason.END_REASON_DEACTIVATED,
} as const satisfies Record<EndReason, WireEndReason>

/** @throws RecordUnreadableError */
export function handlingFromWire(wire: WireSubHandling): SubHandling {
  return keyOf(HANDLING_TO_WIRE, wire)
}

/** @throws RecordUnreadableError */
export function reasonFromWire(wire: WireEndReason): EndReason {
  return keyOf(REASON_TO_WIRE, wire)
}

function keyOf<K extends string>(table: Readonly<Record<K, number>>, value: number): K {
  for (const key of Object.keys(table) as K[]) if (table[key] === value) return key
  throw new RecordUnreadableError('an unknown word')
}

/** What must be there. @throws RecordUnreadableError */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RecordUnreadableError('a part is missing')
  return value
}
