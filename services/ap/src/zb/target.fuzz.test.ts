import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nafOf } from '../nafs/naf.ts'
import { readTarget } from './target.ts'

const naf = nafOf({ fqdn: 'xcap.home1.net', xcapRoot: '/xcap/' }, { means: [], uaProtocols: [], targets: ['a:1'] })
const piece = fc.constantFrom(
  ...['/', '/', '..', '.', '%2e', '%2E', '%2f', '%5c', '\\', '%00', '~~', '?', '#', ' ', 'xcap', 'pres-rules', 'users'],
  ...['sip:alice@home1.net', 'index', '%', '%41', 'https://xcap.home1.net', '"', 'ä', '\r\n', '//', ';', '*'],
)

test('whatever comes, what goes on is below the root, does not climb, and is the very path that came (RFC 4825 section 6)', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), fc.boolean(), (pieces, isBelow) => {
      const target = (isBelow ? '/xcap/pres-rules/' : '') + pieces.join('')
      const read = readTarget(target, naf)
      if (read.kind === 'refused') return
      assert.ok(target.endsWith(read.path))
      const [document = ''] = read.path.split(/\/~~(?:\/|$)|\?/)
      assert.ok(document.startsWith(`/xcap/${read.auid}`))
      // As a reader would who decodes before it splits, and one who takes a backslash for a slash.
      const decoded = decodeURIComponent(document.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
      assert.ok(!document.split('/').some((segment) => /^\.{1,2}$/.test(decodeURIComponent(segment))), document)
      assert.doesNotMatch(decoded, /[\0\\\r\n]/)
    }),
    { seed: 24109, numRuns: 5_000 },
  )
})
