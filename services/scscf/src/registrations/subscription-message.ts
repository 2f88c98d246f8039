import type { Impu } from '@rollcall/core'
import {
  RegSubscriberKind as KindMessage,
  type RegSubscription as SubscriptionMessage,
} from '@rollcall/proto-gen/scscf'
import type { RegSubscriberKind, RegSubscription } from './reg-subscription.ts'

const KINDS = {
  user: KindMessage.REG_SUBSCRIBER_KIND_USER,
  pcscf: KindMessage.REG_SUBSCRIBER_KIND_PCSCF,
  as: KindMessage.REG_SUBSCRIBER_KIND_AS,
} as const satisfies Record<RegSubscriberKind, KindMessage>

export function subscriptionMessage(subscription: RegSubscription): SubscriptionMessage {
  const { kind, routeSet, expiresAtMs, notifyBase, ...rest } = subscription
  return {
    ...rest,
    kind: KINDS[kind],
    routeSet: [...routeSet],
    expiresAtMs: BigInt(expiresAtMs),
    notifyCseq: notifyBase.cseq,
    epoch: BigInt(notifyBase.epoch),
  }
}

export function readSubscription(message: SubscriptionMessage): RegSubscription {
  const { kind, resource, expiresAtMs, notifyCseq, epoch, ...rest } = message
  return {
    ...rest,
    kind: kindOf(kind),
    resource: resource as Impu,
    expiresAtMs: Number(expiresAtMs),
    notifyBase: { cseq: notifyCseq, epoch: Number(epoch) },
  }
}

function kindOf(kind: KindMessage): RegSubscriberKind {
  if (kind === KindMessage.REG_SUBSCRIBER_KIND_PCSCF) return 'pcscf'
  return kind === KindMessage.REG_SUBSCRIBER_KIND_AS ? 'as' : 'user'
}
