/**
 * Documents that tests share. Written for Rollcall in the shapes of RFC 3863 section 4.3, RFC 4479 section 5 and
 * RFC 4480 section 4; the names in them are the story's.
 */

const ROOT = 'xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@ims.example.com"'
const EXTENDED =
  'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" ' +
  'xmlns:caps="urn:ietf:params:xml:ns:pidf:caps"'

/** Documents that each reader must take. */
export const GOOD: Readonly<Record<string, string>> = {
  smallest: `<presence ${ROOT}/>`,
  'one tuple': `<?xml version="1.0" encoding="UTF-8"?>
<presence ${ROOT}><tuple id="sg89ae"><status><basic>open</basic></status><contact priority="0.8">tel:+15550100</contact>
</tuple></presence>`,
  'everything of RFC 3863': `<?xml version='1.0' encoding='utf-8' standalone='yes' ?>
<impp:presence xmlns:impp="urn:ietf:params:xml:ns:pidf" xmlns:local="urn:example-com:pidf-status-type" entity="pres:alice@example.com">
  <impp:tuple id="ub93s3">
    <impp:status><impp:basic>closed</impp:basic><local:location impp:mustUnderstand="1">home &amp; away</local:location></impp:status>
    <impp:contact priority="1.000">im:alice@example.com</impp:contact>
    <impp:note xml:lang="en">Don't disturb please!</impp:note><impp:note xml:lang="fr">Ne d\u00e9rangez pas, s'il vous pla\u00eet</impp:note>
    <impp:timestamp>2026-10-27T16:49:29.25+02:00</impp:timestamp>
  </impp:tuple>
  <!-- two -->
  <impp:tuple id="eg92n8"><impp:status/></impp:tuple>
  <impp:note>I'll be in T\u014dky\u014d <![CDATA[<next> week]]> &#x1F600;</impp:note>
</impp:presence>
`,
  'person before tuples, as some clients send it': `<presence ${ROOT} ${EXTENDED}>
<dm:person id="p1"><rpid:activities from="2026-01-01T00:00:00Z"><rpid:note>x</rpid:note><rpid:busy/></rpid:activities>
<rpid:mood><rpid:happy/></rpid:mood><dm:note>lunch</dm:note><dm:timestamp>2026-11-25T12:00:00Z</dm:timestamp></dm:person>
<dm:device id="d1"><caps:devcaps/><dm:deviceID>urn:uuid:48662e19-5fbf-43fc-a2fd-d23002787599</dm:deviceID></dm:device>
<tuple id="1"><status><basic>open</basic></status><rpid:class>work</rpid:class><dm:deviceID>urn:device:1</dm:deviceID></tuple>
</presence>`,
  'a default namespace that is undone': `<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" entity="sip:a@b">
<x xmlns="urn:x"><y xmlns=""/></x><p:note/></p:presence>`,
}
