import type { Guard } from '../guard.ts'

/** Guards of XCAP: whose documents are whose, and what a URI can name. */
export const XCAP_GUARDS: readonly Guard[] = [
  {
    name: 'xcap-global-write',
    file: 'packages/xcap/src/authorize.ts',
    code: "if (tree.kind === 'global') return READS.has(method)",
    without: "if (tree.kind === 'global') return true",
    tests: ['packages/xcap/src/authorize.test.ts'],
  },
  {
    name: 'xcap-foreign-tree',
    file: 'packages/xcap/src/authorize.ts',
    code: 'return identities.some((identity) => namesSameUser(identity, tree.xui))',
    without: "return namesSameUser('sip:a@b', tree.xui) || identities.length > 0",
    tests: ['packages/xcap/src/authorize.test.ts'],
  },
  {
    name: 'xcap-traversal',
    file: 'packages/xcap/src/uri/xcap-uri.ts',
    code: 'if (!segments.every(isPlainSegment))',
    without: 'if (!segments.every(isPlainSegment) && segments.length > SEGMENTS_MAX)',
    tests: ['packages/xcap/src/uri/xcap-uri.test.ts'],
  },
]
