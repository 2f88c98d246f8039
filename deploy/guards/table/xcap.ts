import type { Guard } from '../guard.ts'

/** Guards of XCAP: whose documents are whose, and what a URI can name. */
export const XCAP_GUARDS: readonly Guard[] = [
  {
    name: 'rule-id-once',
    file: 'packages/xcap/src/usages/presence-rules.ts',
    code: "if (ids.has(id)) return 'two rules of one id'",
    without: '',
    tests: ['packages/xcap/src/usages/usages.test.ts'],
  },
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
  {
    name: 'xml-graft-fits',
    file: 'packages/xml/src/graft.ts',
    code: '!fits(parent, element, limits) || ',
    without: '',
    tests: ['packages/xcap/src/edit/put-element.fuzz.test.ts'],
  },
  {
    name: 'xcap-diff-resources',
    file: 'packages/xcap/src/diff/parse-resources.ts',
    code: 'if (uris.size > RESOURCES_MAX)',
    without: 'if (uris.size > 2 * RESOURCES_MAX)',
    tests: ['packages/xcap/src/diff/xcap-diff.test.ts'],
  },
]
