package douyin

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient: an answer is read for what it says, not judged for its style.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// answer is what is known of one answer of the platform.
type answer struct {
	endpoint Endpoint
	status   int
	no       int64
	present  bool
	message  string
	logID    string
	secrets  []string
}

// envelope is all three of the platform's at once: err_no with err_tips or
// err_msg; message with data.error_code; the old error with errcode.
type envelope struct {
	ErrNo   number         `json:"err_no"`
	ErrTips text           `json:"err_tips"`
	ErrMsg  text           `json:"err_msg"`
	LogID   text           `json:"log_id"`
	Data    jsontext.Value `json:"data"`
	Extra   jsontext.Value `json:"extra"`
	Message text           `json:"message"`
	Error   number         `json:"error"`
	ErrCode number         `json:"errcode"`
	ErrText text           `json:"errmsg"`
}

// inner is what data and extra hold of envelope (b).
type inner struct {
	ErrorCode   number `json:"error_code"`
	Description text   `json:"description"`
	LogID       text   `json:"logid"`
}

// decode reads raw. A nil error means that the code is there and 0.
func (a *answer) decode(raw []byte, headerLogID string, payload any) error {
	var env envelope
	a.logID = cleanLogID(headerLogID)
	if err := json.Unmarshal(raw, &env, lenient); err != nil {
		return a.fail(errNoAnswer)
	}
	var data, extra inner
	decodeObject(env.Data, &data)
	decodeObject(env.Extra, &extra)
	if id := cleanLogID(firstText(env.LogID, extra.LogID, data.LogID)); id != "" {
		a.logID = id
	}
	a.message = firstText(env.ErrTips, env.ErrMsg, data.Description, extra.Description, env.ErrText, env.Message)
	a.setNo(env.ErrNo, data.ErrorCode, extra.ErrorCode, env.ErrCode, env.Error)
	if !a.present || a.no != 0 || a.status < 200 || a.status > 299 {
		return a.fail(nil)
	}
	if payload != nil {
		decodeObject(env.Data, payload)
	}
	return nil
}

// setNo takes the first number that is there and not 0, else 0 if one is there:
// an envelope around another says 0 for itself.
func (a *answer) setNo(numbers ...number) {
	for _, n := range numbers {
		a.present = a.present || n.set
		if n.set && n.n != 0 {
			a.no = n.n
			return
		}
	}
}

// decodeObject leaves v as it is where value is no object, or as far as it got
// where a field is of another type: a payload that lacks something says so.
func decodeObject(value jsontext.Value, v any) {
	if value.Kind() == '{' {
		_ = json.Unmarshal(value, v, lenient)
	}
}

// fail makes the error of an answer; err says what is wrong with one that
// carries no error number.
func (a *answer) fail(err error) *Error {
	e := &Error{
		Endpoint: a.endpoint, Status: a.status, No: a.no, Present: a.present,
		Message: cleanMessage(a.message, a.secrets), LogID: scrub(a.logID, a.secrets), Err: err,
	}
	switch {
	case a.status >= 500:
		e.Kind = KindUnknown
	case a.present && a.no != 0:
		e.Kind = kindOf(a.endpoint, a.no)
	case a.status == http.StatusTooManyRequests:
		e.Kind = KindThrottled
	case err == nil:
		e.Err = errNoAnswer
	}
	return e
}

// number is an integer that comes as a JSON number or as a string of one.
type number struct {
	n   int64
	set bool
}

// UnmarshalJSONFrom takes a value of any type; one that is no integer leaves
// the number unset.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n.read(v)
	return nil
}

// read takes a value; one that is no integer changes nothing.
func (n *number) read(v jsontext.Value) {
	n.parse(string(bytes.TrimSpace(bytes.Trim(v, `"`))))
}

func (n *number) parse(digits string) {
	if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
		*n = number{n: i, set: true}
	} else if f, err := strconv.ParseFloat(digits, 64); err == nil && f == float64(int64(f)) {
		*n = number{n: int64(f), set: true}
	}
}

// text is a string; a value of another type leaves it empty.
type text string

// UnmarshalJSONFrom takes a value of any type.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() != '"' {
		return err
	}
	unquoted, err := jsontext.AppendUnquote(nil, v)
	*t = text(unquoted)
	return err
}

func firstText(texts ...text) string {
	for _, t := range texts {
		if t != "" {
			return string(t)
		}
	}
	return ""
}
