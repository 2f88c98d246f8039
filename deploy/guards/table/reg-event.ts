import type { Guard } from '../guard.ts'

const REG_EVENTS = ['services/scscf/src/reg-event/reg-events.test.ts']

/** Guards of registration state: who hears of it, and who may end or change registrations. */
export const REG_EVENT_GUARDS: readonly Guard[] = [
  {
    name: 'reg-event-user',
    file: 'services/scscf/src/reg-event/authorize.ts',
    code: 'isOwnUser(set, asserted, impi, nowMs) ?',
    without: 'true ?',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-path',
    file: 'services/scscf/src/reg-event/authorize.ts',
    code: 'isPathOf(set, asserted, nowMs) ?',
    without: 'true ?',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-server',
    file: 'services/scscf/src/reg-event/authorize.ts',
    code: 'serverHost === contactHost',
    without: 'serverHost !== undefined',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-dialog-owner',
    file: 'services/scscf/src/reg-event/reg-events.ts',
    code: '!subscriber || !isSubscriberOf(subscription, subscriber)',
    without: '!subscriber',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-own-end',
    file: 'services/scscf/src/reg-event/reg-events.ts',
    code: 'if (isOwnLeave(subscription, change) || isMove(change)) void this.#forget(subscription.id)\n      else ',
    without: '',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-bound',
    file: 'services/scscf/src/reg-event/reg-events.ts',
    code: "if (this.#isFull(canonicalImpu)) return refused('reg-event-full')",
    without: '',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-lease',
    file: 'services/scscf/src/reg-event/notifier.ts',
    code: ' && this.#o.isLive()',
    without: '',
    tests: REG_EVENTS,
  },
  {
    name: 'reg-event-stride',
    file: 'services/scscf/src/reg-event/notifier.ts',
    code: ' + (this.#epoch - notifyBase.epoch) * NOTIFY_CSEQ_STRIDE',
    without: '',
    tests: REG_EVENTS,
  },
  {
    name: 'contacts-max',
    file: 'services/scscf/src/registrations/registrations.ts',
    code: 'before.length - own.length + contacts.length > contactsMax',
    without: 'false',
    tests: ['services/scscf/src/registrations/registrations.test.ts'],
  },
  {
    name: 'contact-unbound',
    file: 'services/scscf/src/registrar/step.ts',
    code: '!attempt && isUnboundContact(request, bound)',
    without: 'false',
    tests: ['services/scscf/src/registrar/step.test.ts'],
  },
  {
    name: 'contact-instances',
    file: 'services/scscf/src/registrar/read-register.ts',
    code: 'if (instances.size > 1) return undefined',
    without: '',
    tests: ['services/scscf/src/registrar/read-register.test.ts'],
  },
  {
    name: 'owner-call-forwarded',
    file: 'services/scscf/src/replicas/owner-calls.ts',
    code: "if ((from === 'scscf') !== isForwarded) throw new RpcError('RPC_DENIED', 'peer-role')",
    without: '',
    tests: ['services/scscf/src/replicas/owner-calls.test.ts'],
  },
  {
    name: 'owner-call-lease',
    file: 'services/scscf/src/replicas/owner-calls.ts',
    code: ' || !this.#view.isLive',
    without: '',
    tests: ['services/scscf/src/replicas/owner-calls.test.ts'],
  },
]
