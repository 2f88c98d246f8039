import { parseReginfo, type Reginfo, ReginfoError } from '@rollcall/reginfo'
import {
  advanceDialog,
  callId,
  createUacDialogFromNotify,
  type Dialog,
  dialogMatches,
  event,
  parseContentType,
  parseSubscriptionState,
  type SipRequest,
  SipSyntaxError,
  type SubscriptionState,
  toTag,
} from '@rollcall/sip'
import type { Refusal } from '../edge/local-answers.ts'
import { REGINFO_TYPE } from './subscribe-request.ts'
import type { RegSubscription } from './subscription.ts'

/** A NOTIFY in one of our dialogs, read. */
interface RegNotify {
  readonly subscription: RegSubscription
  readonly dialog: Dialog
  readonly state: SubscriptionState
  /** Absent when it has no body. */
  readonly info: Reginfo | undefined
}

export type NotifyReading = ({ readonly ok: true } & RegNotify) | { readonly ok: false; readonly refusal: Refusal }

/**
 * Reads a NOTIFY to our own Contact: it must be in the dialog of a subscription that there is, in order, and say what the
 * event package says.
 *
 * @see RFC 6665 section 4.1.3; RFC 3680 section 4.8
 */
export function readNotify(request: SipRequest, find: (callId: string) => RegSubscription | undefined): NotifyReading {
  try {
    return read(request, find)
  } catch (error) {
    if (!(error instanceof SipSyntaxError) && !(error instanceof ReginfoError)) throw error
    return refuse({ status: 400, reason: 'reg-event-malformed' })
  }
}

function read(request: SipRequest, find: (callId: string) => RegSubscription | undefined): NotifyReading {
  if (event(request).package !== 'reg') {
    return refuse({ status: 489, reason: 'event-unknown', headers: [['Allow-Events', 'reg']] })
  }
  const subscription = find(callId(request))
  const dialog = subscription && dialogOf(subscription, request)
  if (!dialog) return refuse({ status: 481, reason: 'reg-event-no-dialog' })
  const advanced = advanceDialog(dialog, request)
  if (!advanced) return refuse({ status: 500, reason: 'reg-event-out-of-order' })
  const state = parseSubscriptionState(request.headers.get('Subscription-State') ?? '')
  if (request.body.length === 0) return { ok: true, subscription, dialog: advanced, state, info: undefined }
  const { type, subtype } = parseContentType(request.headers.get('Content-Type') ?? '')
  if (`${type}/${subtype}` !== REGINFO_TYPE) {
    return refuse({ status: 415, reason: 'reg-event-type', headers: [['Accept', REGINFO_TYPE]] })
  }
  return { ok: true, subscription, dialog: advanced, state, info: parseReginfo(request.body) }
}

/** The subscription's dialog; before the SUBSCRIBE is answered, the one that this NOTIFY makes. */
function dialogOf(subscription: RegSubscription, request: SipRequest): Dialog | undefined {
  const { dialog, localTag, request: subscribe } = subscription
  // guard: reg-event-dialog — only in the dialog that was asked for is a registration ended
  if (dialog) return dialogMatches(dialog, request) ? dialog : undefined
  if (!subscribe || toTag(request) !== localTag) return undefined
  return { ...createUacDialogFromNotify(subscribe, request), remoteCseq: 0 }
}

function refuse(refusal: Refusal): NotifyReading {
  return { ok: false, refusal }
}
