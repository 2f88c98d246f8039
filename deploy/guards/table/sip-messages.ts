import type { Guard } from '../guard.ts'

/** Guards of what is read out of, and written into, SIP messages. */
export const SIP_MESSAGE_GUARDS: readonly Guard[] = [
  {
    name: 'header-line',
    file: 'packages/sip/src/headers.ts',
    code: '!isLineText(value)',
    without: 'false',
    tests: ['packages/sip/src/headers.test.ts'],
  },
  {
    name: 'branch-cookie-alone',
    file: 'packages/sip/src/check-request.ts',
    code: 'branch === BRANCH_COOKIE',
    without: 'false',
    tests: ['packages/sip/src/check-request.test.ts'],
  },
  {
    name: 'asserted-kinds',
    file: 'packages/sip/src/fields/identities.ts',
    code: 'sip > 1 || tel > 1',
    without: 'false',
    tests: ['packages/sip/src/fields/identities.test.ts'],
  },
  {
    name: 'privacy-unreadable',
    file: 'packages/sip/src/fields/privacy.ts',
    code: 'if (error instanceof SipSyntaxError) return true',
    without: 'if (error instanceof SipSyntaxError) return false',
    tests: ['packages/sip/src/fields/privacy.test.ts'],
  },
  {
    name: 'multipart-boundary',
    file: 'packages/sip/src/body/multipart.ts',
    code: 'body.includes(delimiter) || head.includes(delimiter)',
    without: 'false',
    tests: ['packages/sip/src/body/multipart.test.ts'],
  },
]
