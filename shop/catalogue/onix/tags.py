"""Names of ONIX elements: reference and short tags, of every namespace that 3.0 and 3.1 messages are written in.

A message may use whole words (`ProductForm`) or short tags (`b012`), in a namespace or, against the standard but
often, in none. Everything is read by its reference name.
"""

from __future__ import annotations

_SHORT = """
ONIXmessage:ONIXMessage header:Header product:Product a001:RecordReference a002:NotificationType
productidentifier:ProductIdentifier b221:ProductIDType b233:IDTypeName b244:IDValue
descriptivedetail:DescriptiveDetail b012:ProductForm b333:ProductFormDetail productformfeature:ProductFormFeature
b334:ProductFormFeatureType b335:ProductFormFeatureValue x317:EpubTechnicalProtection measure:Measure x315:MeasureType
c094:Measurement c095:MeasureUnitCode titledetail:TitleDetail b202:TitleType titleelement:TitleElement
x409:TitleElementLevel b203:TitleText b030:TitlePrefix b031:TitleWithoutPrefix b029:Subtitle contributor:Contributor
b035:ContributorRole b036:PersonName b039:NamesBeforeKey b247:PrefixToKey b040:KeyNames b047:CorporateName
b044:BiographicalNote language:Language b253:LanguageRole b252:LanguageCode extent:Extent b218:ExtentType
b219:ExtentValue b220:ExtentUnit subject:Subject b067:SubjectSchemeIdentifier b070:SubjectHeadingText
collateraldetail:CollateralDetail textcontent:TextContent x426:TextType d104:Text d107:TextAuthor x428:SourceTitle
publishingdetail:PublishingDetail publisher:Publisher b081:PublisherName b394:PublishingStatus
publishingdate:PublishingDate x448:PublishingDateRole b306:Date salesrights:SalesRights b089:SalesRightsType
territory:Territory x449:CountriesIncluded x450:RegionsIncluded x451:CountriesExcluded x452:RegionsExcluded
x456:ROWSalesRightsType salesrestriction:SalesRestriction x453:SalesRestrictionNote relatedmaterial:RelatedMaterial
relatedwork:RelatedWork x454:WorkRelationCode workidentifier:WorkIdentifier b201:WorkIDType
productsupply:ProductSupply supplydetail:SupplyDetail j396:ProductAvailability supplydate:SupplyDate
x461:SupplyDateRole stock:Stock j350:OnHand price:Price x462:PriceType j151:PriceAmount j152:CurrencyCode
b069:SubjectCode x425:MainSubject b336:ProductFormFeatureDescription epubusageconstraint:EpubUsageConstraint
x318:EpubUsageType x319:EpubUsageStatus epubusagelimit:EpubUsageLimit x320:Quantity x321:EpubUsageUnit
b062:IllustrationsNote supportingresource:SupportingResource x436:ResourceContentType x437:ResourceMode
resourceversion:ResourceVersion x435:ResourceLink productcontact:ProductContact
x482:ProductContactRole x484:ProductContactName x299:ContactName
j272:EmailAddress x552:StreetAddress j349:LocationName x590:PostalCode b251:CountryCode pricedate:PriceDate
x476:PriceDateRole j261:PriceQualifier j263:MinimumOrderQuantity pricecondition:PriceCondition
b381:SalesRestrictionType b037:PersonNameInverted relatedproduct:RelatedProduct x455:ProductRelationCode market:Market
m184:DefaultLanguageOfText x310:DefaultPriceType m186:DefaultCurrencyCode
"""
SHORT = dict(pair.split(":") for pair in _SHORT.split())
"""Reference names by short tag, of the elements that are read."""

RELEASES = ("3.0", "3.1")
NAMESPACES = ("", *(f"{{http://ns.editeur.org/onix/{release}/reference}}" for release in RELEASES))
SHORT_NAMESPACES = ("", *(f"{{http://ns.editeur.org/onix/{release}/short}}" for release in RELEASES))

NAMES = {
    **{namespace + name: name for namespace in NAMESPACES for name in SHORT.values()},
    **{namespace + tag: name for namespace in SHORT_NAMESPACES for tag, name in SHORT.items()},
}
"""Reference names by the tag as lxml tells it, `{namespace}tag`."""


def tags_of(name: str) -> tuple[str, ...]:
    """Return every tag that an element may bear, by its reference name."""
    return tuple(tag for tag, found in NAMES.items() if found == name)
