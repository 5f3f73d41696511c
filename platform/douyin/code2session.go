package douyin

import (
	"context"
	"encoding/base64"
)

type code2sessionRequest struct {
	AppID         string `json:"appid"`
	Secret        string `json:"secret"`
	Code          string `json:"code,omitempty"`
	AnonymousCode string `json:"anonymous_code,omitempty"`
}

type code2sessionPayload struct {
	SessionKey      text `json:"session_key"`
	OpenID          text `json:"openid"`
	UnionID         text `json:"unionid"`
	AnonymousOpenID text `json:"anonymous_openid"`
}

// ExchangeCode asks for the session behind the codes of one tt.login
// (jscode2session v2); either may be empty. A code works once: after an error
// of KindUnknown it may be used up and its session lost.
func (c *Client) ExchangeCode(ctx context.Context, app App, code, anonymous Code) (Session, error) {
	req := request{
		endpoint: EndpointCode2Session,
		body: code2sessionRequest{
			AppID: app.ID, Secret: string(app.Secret),
			Code: string(code), AnonymousCode: string(anonymous),
		},
		secrets: []string{string(app.Secret), string(code), string(anonymous)},
	}
	var p code2sessionPayload
	ans, err := c.do(ctx, req, &p)
	if err != nil {
		return Session{}, err
	}
	if !p.complete(code != "") {
		return Session{}, ans.fail(errEmptyAnswer)
	}
	return Session{
		SessionKey: SessionKey(p.SessionKey), OpenID: string(p.OpenID), UnionID: string(p.UnionID),
		AnonymousOpenID: string(p.AnonymousOpenID), LogID: ans.logID,
	}, nil
}

func (p *code2sessionPayload) complete(named bool) bool {
	if !named {
		return p.AnonymousOpenID != ""
	}
	key, err := base64.StdEncoding.DecodeString(string(p.SessionKey))
	return err == nil && len(key) == keySize && p.OpenID != ""
}
