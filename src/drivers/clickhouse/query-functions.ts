/**
 * The functions that a query may call: those whose answer follows from their arguments (and the clock, and chance) alone. What reads files,
 * dictionaries, other tables or the server's state, calls out or waits is not among them, and what a newer server adds is not either.
 * From `system.functions` of ClickHouse 26.7 by its categories, in lower case; aliases are names too.
 */
const names = [
  // Aggregate Functions
  `analysisofvariance anova any any_respect_nulls any_value any_value_respect_nulls anyheavy anylast anylast_respect_nulls
   anylastrespectnulls anyrespectnulls anyvaluerespectnulls approx_top_count approx_top_k approx_top_sum argandmax argandmin argmax
   argmin array_agg array_concat_agg avg avgweighted bit_and bit_or bit_xor boundingratio categoricalinformationvalue contingency
   corr corrmatrix corrstable count covar_pop covar_samp covarpop covarpopmatrix covarpopstable covarsamp covarsampmatrix
   covarsampstable cramersv cramersvbiascorrected cume_dist deltasum deltasumtimestamp dense_rank denserank distinctdynamictypes
   distinctjsonpaths distinctjsonpathsandtypes entropy exponentialmovingaverage exponentialtimedecayedavg
   exponentialtimedecayedcount exponentialtimedecayedmax exponentialtimedecayedsum first_value first_value_respect_nulls
   firstvaluerespectnulls group_concat grouparray grouparrayinsertat grouparrayintersect grouparraylast grouparraymovingavg
   grouparraymovingsum grouparraysample grouparraysorted groupbitand groupbitmap groupbitmapand groupbitmapor groupbitmapxor
   groupbitor groupbitxor groupconcat groupnumericindexedvector groupuniqarray histogram intervallengthsum kolmogorovsmirnovtest
   kurtpop kurtsamp lag laginframe largesttrianglethreebuckets last_value last_value_respect_nulls lastvaluerespectnulls lead
   leadinframe lttb mannwhitneyutest max max_by maxintersections maxintersectionsposition maxmappedarrays meanztest median
   medianbfloat16 medianbfloat16weighted mediandd mediandeterministic medianexact medianexacthigh medianexactlow
   medianexactweighted medianexactweightedinterpolated mediangk medianinterpolatedweighted mediantdigest mediantdigestweighted
   mediantiming mediantimingweighted min min_by minmappedarrays mvtencode nonnegativederivative nth_value ntile percent_rank
   percentrank quantile quantilebfloat16 quantilebfloat16weighted quantiledd quantiledeterministic quantileexact
   quantileexactexclusive quantileexacthigh quantileexactinclusive quantileexactlow quantileexactweighted
   quantileexactweightedinterpolated quantilegk quantileinterpolatedweighted quantileprometheushistogram quantiles
   quantilesbfloat16 quantilesbfloat16weighted quantilesdd quantilesdeterministic quantilesexact quantilesexactexclusive
   quantilesexacthigh quantilesexactinclusive quantilesexactlow quantilesexactweighted quantilesexactweightedinterpolated
   quantilesgk quantilesinterpolatedweighted quantilesprometheushistogram quantilestdigest quantilestdigestweighted quantilestiming
   quantilestimingweighted quantiletdigest quantiletdigestweighted quantiletiming quantiletimingweighted rank rankcorr retention
   row_number sequencecount sequencematch sequencematchevents sequencenextnode simplelinearregression singlevalueornull skewpop
   skewsamp sparkbar st_asmvt std stddev stddev_pop stddev_samp stddevpop stddevpopstable stddevsamp stddevsampstable string_agg
   studentttest studentttestonesample sum sumcount sumkahan summapfiltered summapfilteredwithoverflow summappedarrays
   summapwithoverflow sumwithoverflow theilsu timeserieschangestogrid timeseriesdeltatogrid timeseriesderivtogrid
   timeseriesincreasetogrid timeseriesinstantdeltatogrid timeseriesinstantratetogrid timeserieslasttogrid timeserieslasttwosamples
   timeseriespredictlineartogrid timeseriesratetogrid timeseriesresampletogridwithstaleness timeseriesresetstogrid topk
   topkweighted uniq uniqcombined uniqcombined64 uniqexact uniqhll12 uniqupto var_pop var_samp varpop varpopstable varsamp
   varsampstable welchttest windowfunnel`,
  // Arithmetic
  `abs avg2 byteswap divide dividedecimal divideornull gcd ifnotfinite intdiv intdivornull intdivorzero isfinite isinfinite isnan
   lcm max2 midpoint min2 minus mod modornull modulo modulolegacy moduloornull moduloorzero multiply multiplydecimal negate plus
   pmod pmodornull positive_modulo positive_modulo_or_null positivemodulo positivemoduloornull sqr`,
  // Arrays
  `array array_remove arrayall arrayauc arrayaucpr arrayautocorrelation arrayavg arraybottomk arraycompact arrayconcat arraycount
   arraycumsum arraycumsumnonnegative arraydifference arraydistinct arraydotproduct arrayelement arrayelementornull arrayenumerate
   arrayenumeratedense arrayenumeratedenseranked arrayenumerateuniq arrayenumerateuniqranked arrayexcept arrayexists arrayfill
   arrayfilter arrayfirst arrayfirstindex arrayfirstornull arrayflatten arrayfold arrayintersect arrayjaccardindex arrayjoin
   arraylast arraylastindex arraylastornull arraylevenshteindistance arraylevenshteindistanceweighted arraymap arraymax arraymin
   arraynormalizedgini arraypartialreversesort arraypartialshuffle arraypartialsort arraypopback arraypopfront arrayprauc
   arrayproduct arraypushback arraypushfront arrayrandomsample arrayreduce arrayreduceinranges arrayremove arrayresize arrayreverse
   arrayreversefill arrayreversesort arrayreversesplit arrayrocauc arrayrotateleft arrayrotateright arrayshiftleft arrayshiftright
   arrayshingles arrayshuffle arraysimilarity arrayslice arraysort arraysplit arraysum arraysymmetricdifference arraytopk
   arraytranspose arrayunion arrayuniq arraywithconstant arrayzip arrayzipunaligned cardinality countequal empty emptyarraydate
   emptyarraydatetime emptyarrayfloat32 emptyarrayfloat64 emptyarrayint16 emptyarrayint32 emptyarrayint64 emptyarrayint8
   emptyarraystring emptyarraytosingle emptyarrayuint16 emptyarrayuint32 emptyarrayuint64 emptyarrayuint8 flatten has hasall hasany
   hassubstr indexof indexofassumesorted length notempty octet_length randomhadamardtransform range replicate reverse unnest`,
  // Bit
  `bitand bitcount bithammingdistance bitnot bitor bitrotateleft bitrotateright bitshiftleft bitshiftright bitslice bittest
   bittestall bittestany bitxor`,
  // Bitmap
  `bitmapand bitmapandcardinality bitmapandnot bitmapandnotcardinality bitmapbuild bitmapcardinality bitmapcontains bitmaphasall
   bitmaphasany bitmapmax bitmapmin bitmapor bitmaporcardinality bitmapsubsetinrange bitmapsubsetlimit bitmaptoarray
   bitmaptransform bitmapxor bitmapxorcardinality subbitmap`,
  // Comparison
  `equals globalin globalinignoreset globalnotin globalnotinignoreset globalnotnullin globalnotnullinignoreset globalnullin
   globalnullinignoreset greater greaterorequals in inignoreset isdistinctfrom isnotdistinctfrom less lessorequals notequals notin
   notinignoreset notnullin notnullinignoreset nullin nullinignoreset`,
  // Conditional
  `casewithoutexpr casewithoutexpression clamp greatest if least multiif`,
  // Dates and Times
  `adddate adddays addhours addinterval addmicroseconds addmilliseconds addminutes addmonths addnanoseconds addquarters addseconds
   addtupleofintervals addweeks addyears age changeday changehour changeminute changemonth changesecond changeyear curdate
   current_date current_timestamp date_bin date_diff date_format date_trunc datediff datename datetrunc day dayofmonth dayofweek
   dayofyear formatdatetime formatdatetimeinjodasyntax from_days from_unixtime from_utc_timestamp fromdayssinceyearzero
   fromdayssinceyearzero32 frommodifiedjulianday frommodifiedjuliandayornull fromunixtimestamp fromunixtimestampinjodasyntax
   fromutctimestamp hour last_day localtime localtimestamp makedate makedate32 makedatetime makedatetime64 microsecond millisecond
   minute month monthname nanosecond now now64 nowinblock nowinblock64 quarter second subdate subtractdays subtracthours
   subtractinterval subtractmicroseconds subtractmilliseconds subtractminutes subtractmonths subtractnanoseconds subtractquarters
   subtractseconds subtracttupleofintervals subtractweeks subtractyears time_bucket timediff timeslot timeslots timestamp
   timestamp_diff timestampdiff timezone timezoneof timezoneoffset to_days to_utc_timestamp today todayofmonth todayofweek
   todayofyear todaysinmonth todayssinceyearzero tohour toisoweek toisoyear tolastdayofmonth tolastdayofweek tomicrosecond
   tomillisecond tominute tomodifiedjulianday tomodifiedjuliandayornull tomonday tomonth tomonthnumsinceepoch tonanosecond
   toquarter torelativedaynum torelativehournum torelativeminutenum torelativemonthnum torelativequarternum torelativesecondnum
   torelativeweeknum torelativeyearnum tosecond tostartofday tostartoffifteenminutes tostartoffiveminute tostartoffiveminutes
   tostartofhour tostartofinterval tostartofisoyear tostartofmicrosecond tostartofmillisecond tostartofminute tostartofmonth
   tostartofnanosecond tostartofquarter tostartofsecond tostartoftenminutes tostartofweek tostartofyear totimewithfixeddate
   totimezone tounixtimestamp toutctimestamp toweek toyear toyearnumsinceepoch toyearweek toyyyymm toyyyymmdd toyyyymmddhhmmss
   utc_timestamp utctimestamp week year yearweek yesterday yyyymmddhhmmsstodatetime yyyymmddhhmmsstodatetime64 yyyymmddtodate
   yyyymmddtodate32`,
  // Distance
  `cosinedistance cosinedistancetransposed cosinedistancetransposedquantized distancecosine distancecosinetransposed distancel1
   distancel2 distancel2squared distancel2transposed distancelinf distancelp dotproducttransposed dotproducttransposedquantized
   l1distance l1norm l1normalize l2distance l2distancetransposed l2distancetransposedquantized l2norm l2normalize l2squareddistance
   l2squarednorm linfdistance linfnorm linfnormalize lpdistance lpnorm lpnormalize normalizel1 normalizel2 normalizelinf
   normalizelp norml1 norml2 norml2squared normlinf normlp scalarproducttransposed`,
  // Encoding
  `bin bitmasktoarray bitmasktolist bitpositionstoarray char hex hilbertdecode hilbertencode mortondecode mortonencode sqid
   sqiddecode sqidencode unbin unhex`,
  // Encryption
  `aes_decrypt_mysql aes_encrypt_mysql decrypt encrypt hmac trydecrypt`,
  // Financial
  `financialinternalrateofreturn financialinternalrateofreturnextended financialnetpresentvalue financialnetpresentvalueextended`,
  // Geo
  `areacartesian areaspherical geodistance geohashdecode geohashencode geohashesinbox geometryintersectcartesian
   geometryintersectspherical geotoh3 geotomgrs geotoutm greatcircleangle greatcircledistance h3cellaream2 h3cellarearads2
   h3distance h3edgeangle h3edgelengthkm h3edgelengthm h3exactedgelengthkm h3exactedgelengthm h3exactedgelengthrads h3getbasecell
   h3getdestinationindexfromunidirectionaledge h3getfaces h3getindexesfromunidirectionaledge h3getoriginindexfromunidirectionaledge
   h3getpentagonindexes h3getres0indexes h3getresolution h3getunidirectionaledge h3getunidirectionaledgeboundary
   h3getunidirectionaledgesfromhexagon h3hexareakm2 h3hexaream2 h3hexring h3indexesareneighbors h3ispentagon h3isresclassiii
   h3isvalid h3kring h3line h3numhexagons h3pointdistkm h3pointdistm h3pointdistrads h3polygontocells
   h3polygontocellswithcontainment h3tocenterchild h3tochildren h3togeo h3togeoboundary h3toparent h3tostring
   h3unidirectionaledgeisvalid mgrstogeo mvtboundingbox mvtboundingboxmercator perimetercartesian perimeterspherical
   pointinellipses pointinpolygon polygonsintersectcartesian polygonsintersectspherical readwkb readwkt stringtoh3 svg utmtogeo wkb
   wkt`,
  // Geo Polygon
  `mvtencodegeom polygonareacartesian polygonareaspherical polygonconvexhullcartesian polygonperimetercartesian
   polygonperimeterspherical polygonsdistancecartesian polygonsdistancespherical polygonsequalscartesian
   polygonsintersectioncartesian polygonsintersectionspherical polygonssymdifferencecartesian polygonssymdifferencespherical
   polygonsunioncartesian polygonsunionspherical polygonswithincartesian polygonswithinspherical readwkblinestring
   readwkbmultilinestring readwkbmultipolygon readwkbpoint readwkbpolygon readwktlinestring readwktmultilinestring
   readwktmultipolygon readwktpoint readwktpolygon readwktring st_asmvtgeom st_linefromwkb st_mlinefromwkb st_mpolyfromwkb
   st_pointfromwkb st_polyfromwkb`,
  // Hash
  `cityhash64 farmfingerprint64 farmhash64 gccmurmurhash halfmd5 hivehash iceberghash inthash32 inthash64 javahash javahashutf16le
   jumpconsistenthash kafkamurmurhash keccak256 kostikconsistenthash md4 md5 metrohash64 murmurhash2_32 murmurhash2_64
   murmurhash3_128 murmurhash3_32 murmurhash3_64 ngramminhash ngramminhasharg ngramminhashargcaseinsensitive
   ngramminhashargcaseinsensitiveutf8 ngramminhashargutf8 ngramminhashcaseinsensitive ngramminhashcaseinsensitiveutf8
   ngramminhashutf8 ngramsimhash ngramsimhashcaseinsensitive ngramsimhashcaseinsensitiveutf8 ngramsimhashutf8 ripemd160 sha1 sha224
   sha256 sha384 sha512 sha512_256 siphash128 siphash128keyed siphash128reference siphash128referencekeyed siphash64 siphash64keyed
   urlhash wordshingleminhash wordshingleminhasharg wordshingleminhashargcaseinsensitive wordshingleminhashargcaseinsensitiveutf8
   wordshingleminhashargutf8 wordshingleminhashcaseinsensitive wordshingleminhashcaseinsensitiveutf8 wordshingleminhashutf8
   wordshinglesimhash wordshinglesimhashcaseinsensitive wordshinglesimhashcaseinsensitiveutf8 wordshinglesimhashutf8 wyhash64 xxh3
   xxh3_128 xxhash32 xxhash64 xxhash64spark yandexconsistenthash`,
  // IP Address
  `cutipv6 inet6_aton inet6_ntoa inet_aton inet_ntoa ipv4cidrtorange ipv4numtostring ipv4numtostringclassc ipv4stringtonum
   ipv4stringtonumordefault ipv4stringtonumornull ipv4toipv6 ipv6cidrtorange ipv6numtostring ipv6stringtonum
   ipv6stringtonumordefault ipv6stringtonumornull isipaddressinrange isipv4string isipv6string toipv4 toipv4ordefault toipv4ornull
   toipv4orzero toipv6 toipv6ordefault toipv6ornull toipv6orzero`,
  // JSON
  `dynamicelement dynamictype isdynamicelementinshareddata isvalidjson json_array_length json_exists json_query json_value
   jsonallpaths jsonallpathswithtypes jsonallvalues jsonarraylength jsondynamicpaths jsondynamicpathswithtypes jsonextract
   jsonextractarrayraw jsonextractarrayrawcaseinsensitive jsonextractbool jsonextractboolcaseinsensitive jsonextractcaseinsensitive
   jsonextractfloat jsonextractfloatcaseinsensitive jsonextractint jsonextractintcaseinsensitive jsonextractkeys
   jsonextractkeysandvalues jsonextractkeysandvaluescaseinsensitive jsonextractkeysandvaluesraw
   jsonextractkeysandvaluesrawcaseinsensitive jsonextractkeyscaseinsensitive jsonextractraw jsonextractrawcaseinsensitive
   jsonextractstring jsonextractstringcaseinsensitive jsonextractuint jsonextractuintcaseinsensitive jsonhas jsonkey jsonlength
   jsonmergepatch jsonshareddatapaths jsonshareddatapathswithtypes jsontype prettyprintjson simplejsonextractbool
   simplejsonextractfloat simplejsonextractint simplejsonextractraw simplejsonextractstring simplejsonextractuint simplejsonhas
   tojsonstring visitparamextractbool visitparamextractfloat visitparamextractint visitparamextractraw visitparamextractstring
   visitparamextractuint visitparamhas`,
  // Logical
  `and not or xor`,
  // Map
  `extractkeyvaluepairs extractkeyvaluepairswithescaping map map_from_arrays mapadd mapall mapapply mapconcat mapcontains
   mapcontainskey mapcontainskeylike mapcontainsvalue mapcontainsvaluelike mapexists mapextractkeylike mapextractvaluelike
   mapfilter mapfromarrays mapfromstring mapkeys mappartialreversesort mappartialsort mappopulateseries mapreversesort mapsort
   mapsubtract mapupdate mapvalues str_to_map`,
  // Mathematical
  `acos acosh asin asinh atan atan2 atanh cbrt cos cosh degrees e erf erfc exp exp10 exp2 factorial hypot intexp10 intexp2 isprime
   isprobableprime lgamma ln log log10 log1p log2 pi pow power proportionsztest radians sigmoid sign sin sinh sqrt tan tanh tgamma
   width_bucket widthbucket`,
  // Null
  `assumenotnull coalesce firstnondefault ifnull isnotnull isnull isnullable iszeroornull nullif tonullable`,
  // Other
  `bar bytesize coloroklabtosrgb coloroklchtosrgb colorsrgbtooklab colorsrgbtooklch countdigits defaultvalueofargumenttype
   defaultvalueoftypename digits dumpcolumnstructure errorcodetoname finalizeaggregation flipcoordinates format_bytes
   formatreadabledecimalsize formatreadablequantity formatreadablesize formatreadabletimedelta getsizeofenumtype getsubcolumn
   icebergbucket icebergtruncate identity ignore indexhint initializeaggregation isconstant isdecimaloverflow lowcardinalityindices
   lowcardinalitykeys macnumtostring macstringtonum macstringtooui materialize minsamplesizecontinous minsamplesizecontinuous
   minsamplesizeconversion neighbor normalizedqueryhash normalizequery parsereadablesize parsereadablesizeornull
   parsereadablesizeorzero parsetimedelta rownumberinallblocks rownumberinblock runningaccumulate runningdifference
   runningdifferencestartingwithfirstvalue throwif tocolumntypename totypename transform variantelement varianttype visiblewidth`,
  // QBit
  `dequantizeint8tobfloat16 quantizebfloat16toint8`,
  // Random Number
  `fuzzbits rand rand32 rand64 randbernoulli randbinomial randcanonical randchisquared randconstant randexponential randfisherf
   randlognormal randnegativebinomial randnormal randomfixedstring randomprintableascii randomstring randomstringutf8 randpoisson
   randstudentt randuniform`,
  // Rounding
  `ceil ceiling floor round roundage roundbankers rounddown roundduration roundtoexp2 trunc truncate`,
  // String
  `appendtrailingcharifabsent ascii base32decode base32encode base58decode base58encode base64decode base64encode base64urldecode
   base64urlencode basename bytehammingdistance byteslice casefoldutf8 char_length character_length comparesubstrings concat
   concat_ws concatassumeinjective concatwithseparator concatwithseparatorassumeinjective conv convertcharset crc32 crc32ieee crc64
   dameraulevenshteindistance decodehtmlcomponent decodexmlcomponent editdistance editdistanceutf8 encodexmlcomponent endswith
   endswithcaseinsensitive endswithcaseinsensitiveutf8 endswithutf8 extracttextfromhtml firstline from_base64 initcap initcaputf8
   isascii isvalidascii isvalidutf8 jarosimilarity jarowinklersimilarity lcase left leftpad leftpadutf8 leftutf8 lengthutf8
   levenshteindistance levenshteindistanceutf8 lower lowerutf8 lpad ltrim mid mismatches natural_sort_key naturalsortkey
   normalizeutf8nfc normalizeutf8nfd normalizeutf8nfkc normalizeutf8nfkccasefold normalizeutf8nfkd regexp_extract regexp_instr
   regexp_substr regexpextract regexpinstr regexpposition removeaccentsutf8 removediacriticsutf8 repeat reverseutf8 right rightpad
   rightpadutf8 rightutf8 rpad rtrim soundex space sparsegrams sparsegramshashes sparsegramshashesutf8 sparsegramsutf8 startswith
   startswithcaseinsensitive startswithcaseinsensitiveutf8 startswithutf8 stringbytesentropy stringbytesuniq stringjaccardindex
   stringjaccardindexutf8 substr substring substring_index substringindex substringindexutf8 substringutf8 to_base64 tovalidutf8
   trim trimboth trimleft trimright trybase32decode trybase58decode trybase64decode trybase64urldecode ucase upper upperutf8`,
  // String Replacement
  `format overlay overlayutf8 printf regexp_replace regexpquotemeta replace replaceall replaceone replaceregexpall replaceregexpone
   translate translateutf8`,
  // String Search
  `countmatches countmatchescaseinsensitive countsubstrings countsubstringscaseinsensitive countsubstringscaseinsensitiveutf8
   extract extractall extractallgroupshorizontal extractgroups hasalltoken hasalltokens hasanytoken hasanytokens hasphrase
   hassubsequence hassubsequencecaseinsensitive hassubsequencecaseinsensitiveutf8 hassubsequenceutf8 hastoken
   hastokencaseinsensitive hastokencaseinsensitiveornull hastokenornull highlight ilike instr like locate match matchphrase
   multifuzzymatchallindices multifuzzymatchany multifuzzymatchanyindex multimatchallindices multimatchany multimatchanyindex
   multisearchallpositions multisearchallpositionscaseinsensitive multisearchallpositionscaseinsensitiveutf8
   multisearchallpositionsutf8 multisearchany multisearchanycaseinsensitive multisearchanycaseinsensitiveutf8 multisearchanyutf8
   multisearchfirstindex multisearchfirstindexcaseinsensitive multisearchfirstindexcaseinsensitiveutf8 multisearchfirstindexutf8
   multisearchfirstposition multisearchfirstpositioncaseinsensitive multisearchfirstpositioncaseinsensitiveutf8
   multisearchfirstpositionutf8 ngramdistance ngramdistancecaseinsensitive ngramdistancecaseinsensitiveutf8 ngramdistanceutf8
   ngramsearch ngramsearchcaseinsensitive ngramsearchcaseinsensitiveutf8 ngramsearchutf8 notilike notlike position
   positioncaseinsensitive positioncaseinsensitiveutf8 positionutf8 regexp_matches`,
  // String Splitting
  `alphatokens array_to_string arraystringconcat extractallgroups extractallgroupsvertical naivebayesngrams ngrams
   reversebyseparator splitbyalpha splitbychar splitbynonalpha splitbyregexp splitbystring splitbywhitespace tokens
   tokensforlikepattern`,
  // Syntax
  `_cast casewithexpression columns exists grouping lambda nested untuple`,
  // Time Series
  `seriesdecomposestl seriesoutliersdetecttukey timeseriesfromgrid timeseriesrange`,
  // Time Window
  `hop hopend hopstart tumble tumbleend tumblestart windowid`,
  // Tuple
  `dotproduct flattentuple scalarproduct tuple tupleconcat tupledivide tupledividebynumber tupleelement tuplehammingdistance
   tupleintdiv tupleintdivbynumber tupleintdivorzero tupleintdivorzerobynumber tupleminus tuplemodulo tuplemodulobynumber
   tuplemultiply tuplemultiplybynumber tuplenames tuplenegate tupleplus tuplepositivemodulobynumber tupletonamevaluepairs
   vectordifference vectorsum`,
  // Type Conversion
  `accuratecast accuratecastordefault accuratecastornull cast date fromunixtimestamp64micro fromunixtimestamp64milli
   fromunixtimestamp64nano fromunixtimestamp64second parsedatetime parsedatetime32besteffort parsedatetime32besteffortornull
   parsedatetime32besteffortorzero parsedatetime64 parsedatetime64besteffort parsedatetime64besteffortornull
   parsedatetime64besteffortorzero parsedatetime64besteffortus parsedatetime64besteffortusornull parsedatetime64besteffortusorzero
   parsedatetime64injodasyntax parsedatetime64injodasyntaxornull parsedatetime64injodasyntaxorzero parsedatetime64ornull
   parsedatetime64orzero parsedatetimebesteffort parsedatetimebesteffortornull parsedatetimebesteffortorzero
   parsedatetimebesteffortus parsedatetimebesteffortusornull parsedatetimebesteffortusorzero parsedatetimeinjodasyntax
   parsedatetimeinjodasyntaxornull parsedatetimeinjodasyntaxorzero parsedatetimeornull parsedatetimeorzero reinterpret
   reinterpretasdate reinterpretasdatetime reinterpretasfixedstring reinterpretasfloat32 reinterpretasfloat64 reinterpretasint128
   reinterpretasint16 reinterpretasint256 reinterpretasint32 reinterpretasint64 reinterpretasint8 reinterpretasstring
   reinterpretasuint128 reinterpretasuint16 reinterpretasuint256 reinterpretasuint32 reinterpretasuint64 reinterpretasuint8
   reinterpretasuuid str_to_date to_unixtime tobfloat16 tobfloat16ornull tobfloat16orzero tobool todate todate32 todate32ordefault
   todate32ornull todate32orzero todateordefault todateornull todateorzero todatetime todatetime32 todatetime64
   todatetime64ordefault todatetime64ornull todatetime64orzero todatetimeordefault todatetimeornull todatetimeorzero todecimal128
   todecimal128ordefault todecimal128ornull todecimal128orzero todecimal256 todecimal256ordefault todecimal256ornull
   todecimal256orzero todecimal32 todecimal32ordefault todecimal32ornull todecimal32orzero todecimal64 todecimal64ordefault
   todecimal64ornull todecimal64orzero todecimalstring tofixedstring tofloat32 tofloat32ordefault tofloat32ornull tofloat32orzero
   tofloat64 tofloat64ordefault tofloat64ornull tofloat64orzero toint128 toint128ordefault toint128ornull toint128orzero toint16
   toint16ordefault toint16ornull toint16orzero toint256 toint256ordefault toint256ornull toint256orzero toint32 toint32ordefault
   toint32ornull toint32orzero toint64 toint64ordefault toint64ornull toint64orzero toint8 toint8ordefault toint8ornull
   toint8orzero tointerval tointervalday tointervalhour tointervalmicrosecond tointervalmillisecond tointervalminute
   tointervalmonth tointervalnanosecond tointervalquarter tointervalsecond tointervalweek tointervalyear tolowcardinality tostring
   tostringcuttozero totime totime64 totime64ornull totime64orzero totimeornull totimeorzero touint128 touint128ordefault
   touint128ornull touint128orzero touint16 touint16ordefault touint16ornull touint16orzero touint256 touint256ordefault
   touint256ornull touint256orzero touint32 touint32ordefault touint32ornull touint32orzero touint64 touint64ordefault
   touint64ornull touint64orzero touint8 touint8ordefault touint8ornull touint8orzero tounixtimestamp64micro tounixtimestamp64milli
   tounixtimestamp64nano tounixtimestamp64second touuid touuidorzero`,
  // URL
  `cutfragment cutquerystring cutquerystringandfragment cuttofirstsignificantsubdomain cuttofirstsignificantsubdomainrfc
   cuttofirstsignificantsubdomainwithwww cuttofirstsignificantsubdomainwithwwwrfc cuturlparameter cutwww decodeurlcomponent
   decodeurlformcomponent domain domainrfc domainwithoutwww domainwithoutwwwrfc encodeurlcomponent encodeurlformcomponent
   extracturlparameter extracturlparameternames extracturlparameters firstsignificantsubdomain firstsignificantsubdomainrfc
   fragment netloc path pathfull port portrfc protocol querystring querystringandfragment topleveldomain topleveldomainrfc
   urlhierarchy urlpathhierarchy`,
  // UUID
  `datetime64tosnowflakeid datetimetosnowflakeid datetimetouuidv7 generateuuidv4 generateuuidv7 snowflakeidtodatetime
   snowflakeidtodatetime64 touuidordefault touuidornull uuidnumtostring uuidstringtonum uuidtonum uuidv7todatetime`,
]

const functions = new Set(names.flatMap((group) => group.split(/\s+/)))

/** What an aggregate function's name may end with (ClickHouse, "Aggregate function combinators"). */
const combinator =
  /(?:if|array|map|simplestate|state|merge|mergestate|foreach|distinct|ordefault|ornull|resample|argmin|argmax|tuple)$/

/** `name` as the query writes it. */
export function isPureFunction(name: string): boolean {
  let base = name.toLowerCase()
  for (;;) {
    if (functions.has(base)) return true
    const shorter = base.replace(combinator, '')
    if (shorter === base || shorter === '') return false
    base = shorter
  }
}
