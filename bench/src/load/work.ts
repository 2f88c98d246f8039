import type { Endpoint } from '../addresses.ts'

/** When a closed loop stops to begin operations: when so many went well, or by the clock. */
export type Until = { readonly operations: number } | { readonly seconds: number }

/** A range of presentities. */
export interface Presentities {
  readonly first: number
  readonly count: number
}

interface ClosedLoop {
  readonly server: Endpoint
  readonly presentities: Presentities
  /** Operations under way at a time. */
  readonly outstanding: number
  readonly until: Until
}

/** PUBLISHes one presentity after the other: initial where none was answered yet, else with the entity-tag it got. */
export interface PublishWork extends ClosedLoop {
  readonly kind: 'publish'
}

/** Watchers that were not there before: SUBSCRIBE, its 200, its first NOTIFY, which is answered. */
export interface SubscribeWork extends ClosedLoop {
  readonly kind: 'subscribe'
}

/** PUBLISHes one presentity, waits until all its watchers were told, and again. Its operation is a NOTIFY. */
export interface FanoutWork {
  readonly kind: 'fanout'
  readonly server: Endpoint
  readonly presentity: number
  readonly until: Until
}

/** Sends a modifying PUBLISH for each of some presentities again and again until it is answered, other than by 503. */
export interface ProbeWork {
  readonly kind: 'probe'
  readonly server: Endpoint
  readonly presentities: readonly number[]
  readonly eachMs: number
}

/** Tells who was notified since it was asked last. */
export interface NotifiedWork {
  readonly kind: 'notified'
}

export type Work = PublishWork | SubscribeWork | FanoutWork | ProbeWork | NotifiedWork

/** What a closed loop did. */
export interface LoadReport {
  /** Operations that went well. */
  readonly operations: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** By status; 408 is no answer in time. */
  readonly failures: Readonly<Record<string, number>>
  /** Requests that were sent more than once, and NOTIFYs that came more than once: datagrams got lost. */
  readonly resent: number
  readonly repeated: number
  /** Of a fan-out: median time from the PUBLISH to the last NOTIFY. */
  readonly allMs?: number
}

/** When each probed presentity was answered 2xx, in milliseconds of `monotonicMs()`; null: otherwise, or not in time. */
export interface ProbeReport {
  readonly answeredMs: readonly (number | null)[]
  readonly failures: Readonly<Record<string, number>>
}

/** NOTIFYs that came for the first time, by presentity. */
export interface NotifiedReport {
  readonly byPresentity: readonly (readonly [presentity: number, notifies: number])[]
  readonly total: number
  readonly repeated: number
}

/** The report of a kind of work. */
export type ReportOf<W extends Work> = W extends ProbeWork
  ? ProbeReport
  : W extends NotifiedWork
    ? NotifiedReport
    : LoadReport

/** Time that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
