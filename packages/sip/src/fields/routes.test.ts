import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses, sameAgain } from '../testing/same-again.ts'
import { formatRoutes, parseRoutes, type RouteHeader } from './routes.ts'

function uris(lines: readonly string[], header: RouteHeader): string[] {
  return parseRoutes(lines, header).map(({ uri }) => uri)
}

test('Path is read topmost first, on one line or several (the example of RFC 3327 section 5.5)', () => {
  const home = ['sip:P3.EXAMPLEHOME.COM;lr', 'sip:P1.EXAMPLEVISITED.COM;lr']
  assert.deepEqual(uris(['<sip:P3.EXAMPLEHOME.COM;lr>,<sip:P1.EXAMPLEVISITED.COM;lr>'], 'Path'), home)
  assert.deepEqual(uris(['<sip:P3.EXAMPLEHOME.COM;lr>', ' <sip:P1.EXAMPLEVISITED.COM;lr>'], 'Path'), home)
  assert.deepEqual(uris([], 'Path'), [])
})

test('Path keeps what else an element says (RFC 3327 section 4)', () => {
  const [path] = parseRoutes(['"P, 1" <sip:token@p1;lr;ob>;x="a,b"'], 'Path')
  assert.deepEqual(path, { displayName: 'P, 1', uri: 'sip:token@p1;lr;ob', params: new Map([['x', '"a,b"']]) })
})

// RFC 3608 section 5
test('Service-Route is read in its order (the example of RFC 3608 section 6.4)', () => {
  const text = '<sip:P2.HOME.EXAMPLE.COM;lr>, <sip:HSP.HOME.EXAMPLE.COM;lr>'
  assert.deepEqual(uris([text], 'Service-Route'), ['sip:P2.HOME.EXAMPLE.COM;lr', 'sip:HSP.HOME.EXAMPLE.COM;lr'])
  const routes = parseRoutes([text], 'Service-Route')
  assert.equal(
    sameAgain(routes, formatRoutes, (written) => parseRoutes([written], 'Service-Route')),
    text,
  )
})

test('a route has angle brackets, or its lr would be no parameter of its URI (RFC 3261 section 20.34)', () => {
  // RFC 3261 section 20.30
  for (const header of ['Route', 'Record-Route', 'Path', 'Service-Route'] as const) {
    refuses(header, (text) => parseRoutes([text], header), [
      'sip:p1.example.com;lr',
      '"<sip:a;lr>" sip:p1;lr',
      '<sip:p1;lr',
      '<sip:p1;lr>,',
      '<sip:p1;lr>,,<sip:p2;lr>',
      '<sip:p1;lr> <sip:p2;lr>',
      'sip:a;x="<b>"',
      Array.from({ length: 129 }, () => '<sip:a;lr>').join(','),
    ])
  }
})
