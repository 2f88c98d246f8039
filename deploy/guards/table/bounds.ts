import type { Guard } from '../guard.ts'

/** Guards of what may come in at all. */
export const BOUNDS_GUARDS: readonly Guard[] = [
  {
    name: 'sip-header-octets',
    file: 'packages/sip/src/parse-message.ts',
    code: 'bytes.length > limits.headerBytesMax',
    without: 'false',
    tests: ['packages/sip/src/parse-message.test.ts'],
  },
  {
    name: 'sip-header-count',
    file: 'packages/sip/src/parse-message.ts',
    code: '++lines > limits.headersMax',
    without: 'false',
    tests: ['packages/sip/src/parse-message.test.ts'],
  },
  {
    name: 'sip-body-octets',
    file: 'packages/sip/src/parse-message.ts',
    code: 'length > limits.bodyBytesMax',
    without: 'false',
    tests: ['packages/sip/src/parse-message.test.ts'],
  },
  {
    name: 'sip-content-length',
    file: 'packages/sip/src/parse-message.ts',
    code: "else if (earlier >= 0 && earlier !== length) faults.note('SIP_MALFORMED', 'two Content-Lengths')",
    without: '',
    tests: ['packages/sip/src/parse-message.test.ts'],
  },
  {
    name: 'document-octets',
    file: 'packages/xml/src/xml-source.ts',
    code: 'bytes.length > bytesMax',
    without: 'false',
    tests: ['packages/xml/src/xml-scanner.test.ts', 'packages/pidf/src/scan-pidf.test.ts'],
  },
  {
    name: 'publications-max',
    file: 'services/presence/src/actor/publish.ts',
    code: 'state.publications.size >= PUBLICATIONS_MAX',
    without: 'false',
    tests: ['services/presence/src/actor/publish.test.ts'],
  },
  {
    name: 'subscriptions-max',
    file: 'services/presence/src/actor/subscribe.ts',
    code: 'state.subscriptions.size >= SUBSCRIPTIONS_MAX',
    without: 'false',
    tests: ['services/presence/src/actor/subscribe.test.ts'],
  },
]
