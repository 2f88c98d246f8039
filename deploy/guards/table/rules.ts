import type { Guard } from '../guard.ts'

/** Guards of who a watcher is to rules, and of what rules show. */
export const RULES_GUARDS: readonly Guard[] = [
  {
    name: 'watcher-privacy',
    file: 'services/presence/src/sip/hides-watcher.ts',
    code: 'if (hidesIdentity(headers)) return true',
    without: '',
    tests: ['services/presence/src/sip/subscribe-front.test.ts'],
  },
  {
    name: 'may-leave-rules',
    file: 'services/presence/src/partition/notifier.ts',
    code: 'if (telling.next && isOtherwiseRuled(notice.view, telling.next.view)) return false',
    without: '',
    tests: ['services/presence/src/partition/owner-rules.test.ts'],
  },
]
