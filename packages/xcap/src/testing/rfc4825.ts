import type { XcapUsage } from '../usage.ts'
import { ANY, anyUsage } from './harness.ts'

// Documents of the examples of RFC 4825, written anew by us.

/** Names of several namespaces, as the example of section 6.4 has them. */
export const SPACES: XcapUsage = { ...anyUsage, defaultNamespace: 'urn:test:default-namespace' }
export const PREFIXED = `<?xml version="1.0"?>
<foo xmlns="urn:test:default-namespace">
  <ns1:bar xmlns:ns1="urn:test:namespace1-uri" xmlns="urn:test:namespace1-uri">
    <baz/>
    <ns2:baz xmlns:ns2="urn:test:namespace2-uri"/>
  </ns1:bar>
  <ns3:hi xmlns:ns3="urn:test:namespace3-uri">
    <there/>
  </ns3:hi>
</foo>`

/** As the examples of section 8.2.3 have it: where a comment stands tells where an element went. */
export const PLACES = `<?xml version="1.0"?>
<root xmlns="${ANY}">
  <el1 att="first"/>
  <el1 att="second"/>
  <!-- comment -->
  <el2 att="first"/>
</root>`

/** Path of somebody's lists. */
export const LISTS = '/resource-lists/users/sip:bill@example.com/index'

export const lists = (inner: string): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">${inner}</resource-lists>`
