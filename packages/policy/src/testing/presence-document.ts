/** A presence document with something of everything that rules speak of. */
export const RICH_PIDF = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
    xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:op="urn:oma:xml:prs:pidf:oma-pres"
    xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:c="urn:ietf:params:xml:ns:pidf:cipid"
    xmlns:f="urn:vendor-specific:foo-namespace" entity="sip:alice@example.com">
  <!-- in hiding -->
  <tuple id="t-p1-sip1">
    <status><basic>open</basic><gp:geopriv><gp:location-info/><gp:usage-rules/></gp:geopriv></status>
    <r:class>work</r:class>
    <r:privacy><r:audio/></r:privacy>
    <r:relationship><r:self/></r:relationship>
    <r:service-class><r:electronic/></r:service-class>
    <r:status-icon>http://example.com/icon</r:status-icon>
    <r:user-input idle-threshold="600" last-input="2026-01-01T10:00:00Z" id="ui">idle</r:user-input>
    <op:willingness><op:basic>open</op:basic></op:willingness>
    <op:session-participation><op:basic>open</op:basic></op:session-participation>
    <op:registration-state>active</op:registration-state>
    <op:barring-state>active</op:barring-state>
    <op:service-description><op:service-id>org.example:chat</op:service-id><op:version>1.0</op:version></op:service-description>
    <dm:deviceID>urn:uuid:48662e19</dm:deviceID>
    <f:foo>bar</f:foo>
    <contact priority="0.8">sip:alice@pc.example.com</contact>
    <note xml:lang="en">at my desk</note>
    <timestamp>2026-01-01T10:00:00Z</timestamp>
  </tuple>
  <tuple id="mail"><status><basic>open</basic></status><r:class>home &amp; more</r:class><contact>mailto:Alice@Example.com</contact></tuple>
  <note>root note</note>
  <dm:person id="me">
    <r:activities><r:note>resting</r:note><r:away/></r:activities>
    <r:class>calendar</r:class><r:mood><r:happy/></r:mood><r:place-is><r:audio><r:quiet/></r:audio></r:place-is>
    <r:place-type><r:other>ship</r:other></r:place-type><r:sphere><r:home/></r:sphere><r:time-offset>60</r:time-offset>
    <op:overriding-willingness><op:basic>closed</op:basic></op:overriding-willingness>
    <c:homepage>http://example.com/~alice</c:homepage>
    <dm:note>person note</dm:note><dm:timestamp>2026-01-01T10:00:00Z</dm:timestamp>
  </dm:person>
  <dm:device id="pc">
    <op:network-availability><op:network id="IMS"><op:active/></op:network></op:network-availability>
    <dm:deviceID>urn:uuid:48662e19</dm:deviceID><dm:note>device note</dm:note>
  </dm:device>
  <f:whole>secret</f:whole>
</presence>
`)
