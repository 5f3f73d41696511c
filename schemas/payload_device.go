package schemas

// DecodeDevice reads the payload of tt.getSystemInfo. Numbers may come as text
// and the reverse; a number that is none, and a score of -1, count as absent.
// One that holds nothing of a device is invalid. Errors are a *Rejection.
func DecodeDevice(payload []byte) (Device, error) {
	var d Device
	fault := decodeObject(payload, func(r *jsonReader, name []byte) {
		if string(name) == "deviceScore" {
			r.members(func(name []byte) { d.readScore(r, name) })
			return
		}
		if s := d.text(name); s != nil {
			*s = r.str()
		} else if n := d.number(name); n != nil {
			*n = r.field().optionalNumber()
		} else {
			r.skip()
		}
	})
	switch {
	case fault != nil:
		return Device{}, fault
	case d == Device{}:
		return Device{}, invalid("payload", errEmpty)
	}
	return d, nil
}

func (d *Device) text(name []byte) *string {
	switch string(name) {
	case "brand":
		return &d.Brand
	case "model":
		return &d.Model
	case "system":
		return &d.System
	case "platform":
		return &d.Platform
	case "appName":
		return &d.AppName
	case "version":
		return &d.Version
	case "SDKVersion":
		return &d.SDKVersion
	case "SDKUpdateVersion":
		return &d.SDKUpdateVersion
	case "nativeSDKVersion":
		return &d.NativeSDKVersion
	case "language":
		return &d.Language
	}
	return nil
}

func (d *Device) number(name []byte) **float64 {
	switch string(name) {
	case "screenWidth":
		return &d.ScreenWidth
	case "screenHeight":
		return &d.ScreenHeight
	case "windowWidth":
		return &d.WindowWidth
	case "windowHeight":
		return &d.WindowHeight
	case "pixelRatio":
		return &d.PixelRatio
	case "devicePixelRatio":
		if d.PixelRatio == nil { // its other name
			return &d.PixelRatio
		}
	case "statusBarHeight":
		return &d.StatusBarHeight
	case "fontSizeSetting":
		return &d.FontSizeSetting
	case "battery":
		return &d.Battery
	case "wifiSignal":
		return &d.WifiSignal
	}
	return nil
}

func (d *Device) readScore(r *jsonReader, name []byte) {
	var score **float64
	switch string(name) {
	case "cpu":
		score = &d.ScoreCPU
	case "gpu":
		score = &d.ScoreGPU
	case "memory":
		score = &d.ScoreMemory
	case "overall":
		score = &d.ScoreOverall
	default:
		r.skip()
		return
	}
	if n := r.field().optionalNumber(); n != nil && *n != -1 {
		*score = n
	}
}
