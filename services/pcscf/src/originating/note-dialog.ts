import {
  expires,
  ownText,
  parseNameAddr,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  toTag,
} from '@rollcall/sip'
import type { DialogRoutes, KnownDialog } from './dialog-routes.ts'
import { type OwnAddress, takeOwnRoutesOf } from './own-routes.ts'

/** RFC 3856 section 6.4: what a subscription lasts that names no time. */
const EXPIRES_SECONDS = 3_600
/** RFC 6665 section 4.1.2.2: these end the subscription that they answer. */
const ENDS_DIALOG = [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]

/** A response to a SUBSCRIBE, on its way to the UE. */
export interface SubscribeAnswer {
  readonly request: SipRequest
  readonly response: SipResponse
  readonly dialogKey: string
  readonly isInDialog: boolean
  readonly known: KnownDialog | undefined
  readonly icid: string
  readonly own: OwnAddress
}

/**
 * Remembers the dialog that a 2xx makes or prolongs: its route set is what the response records, from the UE's end and
 * without our own entries.
 *
 * @see RFC 3261 section 12.1.2; TS 24.229 clause 5.2.6.3.4
 */
export function noteDialog(dialogs: DialogRoutes, answer: SubscribeAnswer): void {
  const { response, dialogKey, isInDialog, known, icid } = answer
  if (response.status >= 300) {
    if (isInDialog && ENDS_DIALOG.includes(response.status)) dialogs.forget(dialogKey)
    return
  }
  try {
    const lifetimeMs = (expires(response) ?? expires(answer.request) ?? EXPIRES_SECONDS) * 1000
    const remoteTag = toTag(response)
    if (known) dialogs.note(dialogKey, known, lifetimeMs)
    else if (!isInDialog && remoteTag !== undefined) {
      const recorded = response.headers.list('Record-Route').toReversed()
      for (const value of recorded) parseNameAddr(value, 'Record-Route')
      const route = takeOwnRoutesOf(recorded, answer.own).rest.map(ownText)
      dialogs.note(dialogKey, { remoteTag: ownText(remoteTag), icid, route }, lifetimeMs)
    }
  } catch (error) {
    // The UE makes of the response what it can; we only do not remember it.
    if (!(error instanceof SipSyntaxError)) throw error
  }
}
