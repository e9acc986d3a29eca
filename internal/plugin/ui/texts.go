package ui

// translated is a text in the languages that it is translated into.
type translated struct{ fi, sv string }

// texts are those of the pages, by their English form, and what the plugin says itself about whose turn it is. What the
// controllers and the API server say is in English.
var texts = map[string]translated{
	"What waits for whom": {"Mikä odottaa ketä", "Vad som väntar på vem"},
	"Whose turn it is":    {"Kenen vuoro on", "Vems tur det är"},
	"Whose turn":          {"Kenen vuoro", "Vems tur"},
	"Your turn":           {"Sinun vuorosi", "Din tur"},
	"The service's turn":  {"Palvelun vuoro", "Tjänstens tur"},
	"Nobody's turn":       {"Ei kenenkään vuoro", "Ingens tur"},
	"critical":            {"kriittinen", "kritiskt"},
	"warning":             {"varoitus", "varning"},
	"in order":            {"kunnossa", "i ordning"},
	"%d days":             {"%d päivää", "%d dagar"},
	"1 day":               {"1 päivä", "1 dag"},

	"This page has ended. Run kubectl varmenne ui again.": {
		"Tämä sivu on päättynyt. Käynnistä kubectl varmenne ui uudelleen.",
		"Den här sidan har avslutats. Kör kubectl varmenne ui igen."},
	"This form has no files: open the page anew, and choose them.": {
		"Tässä lomakkeessa ei ole tiedostoja: avaa sivu uudelleen ja valitse ne.",
		"Formuläret har inga filer: öppna sidan på nytt och välj dem."},
	"That is more than 1 MiB: bring only what was sent.": {
		"Se on yhteensä yli 1 MiB: tuo vain se, mitä lähetettiin.",
		"Det är sammanlagt mer än 1 MiB: lämna bara det som skickades."},
	"The form has not arrived whole: send it once more.": {
		"Lomake ei tullut perille kokonaan: lähetä se uudelleen.",
		"Formuläret kom inte fram i sin helhet: skicka det på nytt."},
	"Nothing came: choose the file that was sent, or paste the mail.": {
		"Mitään ei tullut: valitse lähetetty tiedosto tai liitä sähköposti.",
		"Inget kom: välj filen som skickades, eller klistra in brevet."},
	"Copied":                   {"Kopioitu", "Kopierat"},
	"Copy":                     {"Kopioi", "Kopiera"},
	"What the controller says": {"Mitä ohjain sanoo", "Vad styrprogrammet säger"},
	"Copy the CSR":             {"Kopioi CSR", "Kopiera CSR"},
	"The browser does not let this page copy: select the text.": {
		"Selain ei anna tämän sivun kopioida: valitse teksti.", "Webbläsaren låter inte sidan kopiera: markera texten."},
	"Skip to the content": {"Siirry sisältöön", "Hoppa till innehållet"},
	"Namespace %s":        {"Nimiavaruus %s", "Namnrymd %s"},
	"All namespaces":      {"Kaikki nimiavaruudet", "Alla namnrymder"},
	"Language":            {"Kieli", "Språk"},
	"Back":                {"Takaisin", "Tillbaka"},
	"The cluster cannot be read, and this may be old:": {
		"Klusteria ei voi lukea, ja tämä voi olla vanhaa:", "Klustret kan inte läsas, och detta kan vara gammalt:"},
	"Not shown":               {"Ei näytetä", "Visas inte"},
	"a few dates are missing": {"muutama päivämäärä puuttuu", "några datum saknas"},
	"As of %s. This page refreshes by itself, acts with your rights, and ends with Ctrl-C.": {
		"Tilanne %s. Sivu päivittyy itsestään, toimii sinun oikeuksillasi ja päättyy painamalla Ctrl-C.",
		"Läget %s. Sidan uppdateras av sig själv, handlar med dina rättigheter och avslutas med Ctrl-C."},

	"And %d more, which are in the table.": {"Ja %d muuta, jotka ovat taulukossa.", "Och %d till, som finns i tabellen."},
	"Nothing waits for anybody. Everything goes on by itself.": {
		"Mikään ei odota ketään. Kaikki etenee itsestään.", "Inget väntar på någon. Allt går av sig självt."},
	"Timeline": {"Aikajana", "Tidslinje"},
	"One bar for each certificate and password, from issue to end.": {
		"Yksi palkki kutakin varmennetta ja salasanaa kohti, alusta loppuun.",
		"En stapel för varje certifikat och lösenord, från början till slut."},
	"lead time":        {"varoaika", "ledtid"},
	"due":              {"määräaika", "förfaller"},
	"today":            {"tänään", "i dag"},
	"from %s until %s": {"%s – %s", "%s – %s"},
	"Everything":       {"Kaikki", "Allt"},
	"Name":             {"Nimi", "Namn"},
	"Kind":             {"Laji", "Slag"},
	"State":            {"Tila", "Tillstånd"},
	"From":             {"Alkaa", "Från"},
	"Until":            {"Päättyy", "Till"},
	"Left":             {"Jäljellä", "Kvar"},
	"Next":             {"Seuraavaksi", "Härnäst"},
	"There is no certificate and no password of varmenne-issuer here.": {
		"Täällä ei ole varmenne-issuerin varmenteita eikä salasanoja.",
		"Här finns inget certifikat och inget lösenord för varmenne-issuer."},

	"What helps":                          {"Mikä auttaa", "Vad som hjälper"},
	"What it waits for, object by object": {"Mitä se odottaa, kohde kohteelta", "Vad den väntar på, objekt för objekt"},
	"ready":                               {"valmis", "klar"},
	"not ready":                           {"ei valmis", "inte klar"},
	"History of the order":                {"Tilauksen vaiheet", "Beställningens historia"},
	"not verified yet":                    {"ei vielä todennettu", "inte verifierat ännu"},
	"Submissions":                         {"Lähetyksiä", "Sändningar"},
	"the last one at %s":                  {"viimeisin %s", "den senaste %s"},
	"Accepted":                            {"Hyväksytty", "Godkänd"},
	"Polls":                               {"Kyselyjä", "Förfrågningar"},
	"the next one at %s":                  {"seuraava %s", "nästa %s"},
	"Sent again":                          {"Lähetetään uudelleen", "Sänds igen"},
	"Last failure":                        {"Viimeisin virhe", "Senaste felet"},
	"Completed":                           {"Valmistunut", "Slutförd"},
	"Dates":                               {"Päivämäärät", "Datum"},
	"Date":                                {"Päivä", "Datum"},
	"What happens":                        {"Mitä tapahtuu", "Vad som händer"},
	"Newest events":                       {"Uusimmat tapahtumat", "Senaste händelserna"},
	"There are no events, or they are older than an hour.": {
		"Tapahtumia ei ole, tai ne ovat tuntia vanhempia.", "Det finns inga händelser, eller de är äldre än en timme."},

	"What came cannot be used":         {"Saapunutta ei voi käyttää", "Det som kom kan inte användas"},
	"Nothing was sent to the cluster.": {"Klusteriin ei lähetetty mitään.", "Inget skickades till klustret."},
	"What came can be used":            {"Saapunutta voi käyttää", "Det som kom kan användas"},
	"in use":                           {"käytössä", "i bruk"},
	"new":                              {"uusi", "nytt"},
	"Serial number":                    {"Sarjanumero", "Serienummer"},
	"Subject":                          {"Haltija", "Innehavare"},
	"It is handed over when it begins; the one in use stays until then.": {
		"Se otetaan käyttöön, kun sen voimassaolo alkaa; siihen asti nykyinen jää käyttöön.",
		"Det tas i bruk när det börjar gälla; till dess används det nuvarande."},
	"The authority has changed": {"Viranomainen on muuttanut", "Myndigheten har ändrat"},
	"Take the certificate with these changes": {
		"Ota varmenne käyttöön näillä muutoksilla", "Ta certifikatet i bruk med dessa ändringar"},
	"Take the certificate":               {"Ota varmenne käyttöön", "Ta certifikatet i bruk"},
	"Carry the request to the authority": {"Vie varmennepyyntö viranomaiselle", "För begäran till myndigheten"},
	"Download the CSR (PEM)":             {"Lataa CSR-tiedosto (PEM)", "Ladda ner CSR-filen (PEM)"},
	"Download the CSR (DER)":             {"Lataa CSR-tiedosto (DER)", "Ladda ner CSR-filen (DER)"},
	"Show the CSR":                       {"Näytä CSR", "Visa CSR"},
	"For forms that ask for it:":         {"Jos lomake kysyy tunnistetta:", "För formulär som frågar efter det:"},
	"The steps":                          {"Vaiheet", "Stegen"},
	"questions: %s":                      {"kysymykset: %s", "frågor: %s"},
	"Note the application":               {"Merkitse hakemus", "Anteckna ansökan"},
	"Noted:":                             {"Merkitty:", "Antecknat:"},
	"To carry the same request there again orders two certificates.": {
		"Jos saman pyynnön vie uudelleen, tilaa kaksi varmennetta.",
		"Att föra samma begäran dit igen beställer två certifikat."},
	"The application was stopped": {"Hakemus on peruttu", "Ansökan har återkallats"},
	"The authority's reference, or the day on which it was sent": {
		"Viranomaisen viite tai lähetyspäivä", "Myndighetens ärendenummer, eller dagen då den sändes"},
	"Who has applied (if you like)": {"Kuka haki (ei pakollinen)", "Vem som ansökte (frivilligt)"},
	"I have applied":                {"Olen hakenut", "Jag har ansökt"},
	"Bring back what came":          {"Tuo saapunut varmenne", "Lämna in det som kom"},
	"Choose the file that the authority has sent, or drop it here": {
		"Valitse viranomaisen lähettämä tiedosto tai pudota se tähän",
		"Välj filen som myndigheten har skickat, eller släpp den här"},
	"PEM, DER, PKCS#7 (.p7b), or a whole mail; all files if there are several. A private key is refused and not kept.": {
		"PEM, DER, PKCS#7 (.p7b) tai koko sähköposti; useita tiedostoja, jos niitä tuli useita. Yksityinen avain " +
			"hylätään eikä sitä säilytetä missään.",
		"PEM, DER, PKCS#7 (.p7b) eller hela e-postmeddelandet; flera filer om det kom flera. En privat nyckel avvisas " +
			"och sparas ingenstans."},
	"Or paste it":                         {"Tai liitä se", "Eller klistra in det"},
	"From -----BEGIN CERTIFICATE----- on": {"Alkaen -----BEGIN CERTIFICATE-----", "Från -----BEGIN CERTIFICATE-----"},
	"Check it":                            {"Tarkista", "Kontrollera"},

	"Change notice":                {"Muutosilmoitus", "Ändringsmeddelande"},
	"To":                           {"Vastaanottaja", "Till"},
	"Subject line":                 {"Aihe", "Ämne"},
	"Open it in your mail program": {"Avaa sähköpostiohjelmassa", "Öppna i e-postprogrammet"},
	"I have sent it":               {"Olen lähettänyt sen", "Jag har skickat det"},

	"That did not work":      {"Se ei onnistunut", "Det lyckades inte"},
	"There is no such page.": {"Sellaista sivua ei ole.", "Det finns ingen sådan sida."},
	"This form is of another page, or of one that has ended: open it anew.": {
		"Tämä lomake on toisen tai päättyneen sivun: avaa se uudelleen.",
		"Formuläret hör till en annan sida, eller till en som har avslutats: öppna det på nytt."},
	"This has changed since it was shown, and was left as it is: open it anew, and look at it.": {
		"Tämä on muuttunut sen jälkeen, kun se näytettiin, eikä mitään tehty: avaa se uudelleen ja katso.",
		"Det har ändrats sedan det visades, och inget gjordes: öppna det på nytt och titta."},
	"Name the application: its number, or the day on which it was sent.": {
		"Nimeä hakemus: sen numero tai lähetyspäivä.", "Ange ansökan: dess nummer, eller dagen då den sändes."},

	// Dates of package overview.
	"renewal":                {"uusinta", "förnyelse"},
	"renewal window":         {"uusimisaika", "förnyelsefönster"},
	"renewal window opens":   {"uusimisaika alkaa", "förnyelsefönstret öppnas"},
	"lead time begins":       {"varoaika alkaa", "ledtiden börjar"},
	"new certificate begins": {"uusi varmenne alkaa", "det nya certifikatet börjar gälla"},
	"end":                    {"päättyy", "slut"},
	"reminder":               {"muistutus", "påminnelse"},
	"poll":                   {"kysely", "förfrågan"},
	"submission":             {"lähetys", "sändning"},
	"rotation":               {"vaihto", "byte"},
	"rotation recommended":   {"vaihtoa suositellaan", "byte rekommenderas"},
	"rotation demanded":      {"vaihtoa vaaditaan", "byte krävs"},

	// What a person has to do, in the words of package overview.
	"carry the CSR to the authority": {"vie varmennepyyntö (CSR) viranomaiselle", "för begäran (CSR) till myndigheten"},
	"bring another certificate: what came cannot be used": {
		"tuo toinen varmenne: saapunutta ei voi käyttää", "lämna in ett annat certifikat: det som kom kan inte användas"},
	"see that no day is without a certificate": {
		"huolehdi, ettei yksikään päivä jää ilman varmennetta", "se till att ingen dag blir utan certifikat"},
	"stop the application: nobody waits for it any more": {
		"peru hakemus: kukaan ei enää odota sitä", "återkalla ansökan: ingen väntar på den längre"},
	"put in transfer credentials": {"anna siirtotunnukset", "lägg in överföringsuppgifter"},
	"put in other transfer credentials: the service refuses these": {
		"anna toiset siirtotunnukset: palvelu hylkää nämä", "lägg in andra överföringsuppgifter: tjänsten avvisar dessa"},
	"put in new transfer credentials: the response was lost": {
		"anna uudet siirtotunnukset: vastaus katosi", "lägg in nya överföringsuppgifter: svaret gick förlorat"},
	"put in transfer credentials: the renewal was refused": {
		"anna siirtotunnukset: uusinta hylättiin", "lägg in överföringsuppgifter: förnyelsen avvisades"},
	"put in transfer credentials: it is too late for a renewal": {
		"anna siirtotunnukset: uusinta on myöhässä", "lägg in överföringsuppgifter: det är för sent att förnya"},
	"ask the certificate service about the order": {
		"kysy varmennepalvelusta tilauksesta", "fråga certifikattjänsten om beställningen"},
	"approve the request": {"hyväksy pyyntö", "godkänn begäran"},
	"ask who denied the request, and have it made again": {
		"kysy, kuka hylkäsi pyynnön, ja teetä se uudelleen", "fråga vem som avslog begäran, och låt göra den igen"},
	"correct the Certificate": {"korjaa Certificate", "rätta Certificate"},
	"see why the request failed, and have it made again": {
		"katso, miksi pyyntö epäonnistui, ja teetä se uudelleen", "se varför begäran misslyckades, och låt göra den igen"},
	"get another certificate": {"hanki toinen varmenne", "skaffa ett annat certifikat"},
	"get another certificate: this one has ended": {
		"hanki toinen varmenne: tämä on päättynyt", "skaffa ett annat certifikat: detta har gått ut"},
	"send the notice, and say so": {"lähetä ilmoitus ja merkitse se", "skicka meddelandet och anteckna det"},
	"rotate the password: it is recommended": {
		"vaihda salasana: sitä suositellaan", "byt lösenordet: det rekommenderas"},
	"rotate the password: it is demanded": {"vaihda salasana: se vaaditaan", "byt lösenordet: det krävs"},
}
