import { setTimeout as delay } from 'node:timers/promises'
import { RollcallError } from '@rollcall/core'
import {
  type Notification,
  NotRegisteredError,
  type SubscribeOptions,
  type Subscription,
  SubscriptionEndedError,
} from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import type { NotificationView } from './presence-view.ts'
import type { Session } from './session.ts'

/** A notifier that wants to be asked later and does not say when. */
const LATER_SECONDS = 30
/** A UE whose registration the network ended, and which may come back, is back in about this time. */
const BACK_SECONDS = 1

/** What to follow, and how to show it. */
export interface LiveOptions extends SubscribeOptions {
  readonly view: (uri: string, notification: Notification) => NotificationView
}

/**
 * Follows one presentity until Ctrl-C, which unsubscribes. A subscription that its notifier ends is made again when the
 * reason allows it.
 *
 * @throws SubscriptionEndedError when the reason does not; SubscriptionRefusedError
 * @see RFC 6665 section 4.1.3
 */
export async function follow(invocation: Invocation, session: Session, o: LiveOptions): Promise<void> {
  const { output, signal } = invocation
  let subscription: Subscription | undefined
  session.onInterrupt = () => void leave(subscription)
  while (!signal.aborted) {
    try {
      subscription = await session.ue.subscribe(o)
    } catch (error) {
      if (!(error instanceof NotRegisteredError) || !session.comesBack) throw error
      await pause(BACK_SECONDS, signal)
      continue
    }
    if (signal.aborted) await leave(subscription)
    let last: Notification | undefined
    for await (last of subscription) {
      const { text, json } = o.view(o.uri, last)
      output.tell(text, json)
    }
    if (signal.aborted) return
    const waitSeconds = secondsUntilAgain(subscription.endReason ?? '', last?.retryAfterSeconds)
    if (waitSeconds === undefined) throw new SubscriptionEndedError(subscription.endReason ?? 'ended')
    await pause(waitSeconds, signal)
  }
}

/** When to subscribe again after the end for `reason`; undefined: not again (RFC 6665 section 4.1.3). */
function secondsUntilAgain(reason: string, retryAfterSeconds: number | undefined): number | undefined {
  switch (reason) {
    case 'deactivated':
    case 'timeout':
    case 'expired':
      return 0
    case 'rejected':
    case 'noresource':
    case 'invariant':
    case 'closed':
      return undefined
    default:
      return retryAfterSeconds ?? LATER_SECONDS
  }
}

/** Ctrl-C: the network is told if it answers. */
async function leave(subscription: Subscription | undefined): Promise<void> {
  try {
    await subscription?.unsubscribe()
  } catch (error) {
    if (!(error instanceof RollcallError)) throw error
    subscription?.end('interrupted')
  }
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(seconds * 1000, undefined, { signal })
  } catch {
    // Ctrl-C: the loop sees it.
  }
}
